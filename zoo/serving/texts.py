"""Prompts in a graph: from texts to the tokens of `zoo.inputs.words`, on a server."""

import tensorflow as tf

from zoo.inputs import words
from zoo.serving import conditions

# The expressions of `words.pieces`, as RE2 writes them: Python's \w is \p{L}, \p{N}, _.
_CJK = (
    r"\x{3040}-\x{30ff}\x{3400}-\x{4dbf}\x{4e00}-\x{9fff}\x{ac00}-\x{d7af}"
    r"\x{f900}-\x{faff}"
)
_SPACE = r"\p{Z}\s\x{b}\x{1c}-\x{1f}\x{85}"
_ALONE = rf"([{_CJK}]|[^\p{{L}}\p{{N}}_{_SPACE}])"


def tokens(texts, tokenizer, must):
    """Returns the tokens, int32 `[N, L]`, of texts `[N]`, those that the
    `words.Tokenizer` makes of them.

    Args:
        must: The sentence that a text which is no UTF-8 is refused by.
    """
    sound = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="ignore")
    is_sound = tf.reduce_all(tf.equal(sound, texts))
    with tf.control_dependencies(
        [conditions.require(is_sound, must, tf.constant(["bytes that are no UTF-8"]))]
    ):
        lower = tf.strings.lower(texts, encoding="utf-8")
    lower = tf.strings.regex_replace(lower, f"[{_SPACE}]", " ")
    pieces = tf.strings.split(tf.strings.regex_replace(lower, _ALONE, r" \1 "))
    ids = _ids(pieces.values, tokenizer)
    ids = tf.RaggedTensor.from_row_splits(ids, pieces.row_splits).merge_dims(1, 2)
    rows = tf.shape(texts)[0]
    ends = [tf.fill([rows, 1], end) for end in (words.BEGIN, words.END)]
    whole = tf.concat([ends[0], ids, ends[1]], axis=1)
    return whole.to_tensor(words.PAD, shape=(None, tokenizer.length))


def _ids(pieces, tokenizer):
    """The ids, ragged `[P, None]`, of words and signs `[P]`: one of a word that is
    known, those of its bytes and a space of another."""
    known = tf.constant(list(tokenizer.ids) or [""])
    is_same = tf.equal(pieces[:, None], known[None])
    rank = tf.argmax(is_same, axis=1, output_type=tf.int32)
    is_known = tf.reduce_any(is_same, axis=1)
    spelt = tf.strings.bytes_split(tf.where(is_known, "", pieces + " "))
    numbers = tf.reshape(tf.io.decode_raw(spelt.values, tf.uint8), [-1])
    spelt = spelt.with_values(tf.cast(numbers, tf.int32) + words.BYTES)
    single = tf.RaggedTensor.from_row_lengths(
        tf.boolean_mask(words.WORDS + rank, is_known), tf.cast(is_known, tf.int64)
    )
    return tf.concat([single, spelt], axis=1)
