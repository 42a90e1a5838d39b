"""Captions as numbers: words of a vocabulary, and the bytes of all others.

Every language and every new word can be said: what the vocabulary lacks is spelt. The
ids are 0 for padding, 1 and 2 for the begin and the end of a text, 3 to 258 for bytes,
then one a word.
"""

import collections
import re
from collections.abc import Iterable, Sequence

import numpy as np

PAD, BEGIN, END, BYTES, WORDS = 0, 1, 2, 3, 259
MOST_WORDS = 4096
_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
# A character of Chinese, Japanese or Korean is a word of its own; so is a sign.
_PIECES = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+|[^\w\s]")


def pieces(text: str) -> list[str]:
    """Returns the words and signs of a text, lower-cased."""
    return _PIECES.findall(text.lower())


def vocabulary(texts: Iterable[str], most: int = MOST_WORDS) -> tuple[str, ...]:
    """Returns the words of `texts`, the commonest first, at most so many."""
    counts = collections.Counter(piece for text in texts for piece in pieces(text))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return tuple(ranked[:most])


class Tokenizer:
    """Texts -> tokens of a fixed length.

    Args:
        words: The vocabulary.
        length: Tokens a text, begin and end included; longer texts are cut.
    """

    def __init__(self, words: Iterable[str], length: int):
        self.ids = {word: WORDS + rank for rank, word in enumerate(words)}
        self.length = length

    def tokens(self, texts: Sequence[str]) -> np.ndarray:
        """Returns int32 `[N, length]`."""
        rows = np.full((len(texts), self.length), PAD, "int32")
        for row, text in zip(rows, texts):
            ids = self.numbers(text)[: self.length]
            row[: len(ids)] = ids
        return rows

    def numbers(self, text: str) -> list[int]:
        """Returns the ids of a whole text, however long."""
        ids = [BEGIN]
        for piece in pieces(text):
            if piece in self.ids:
                ids.append(self.ids[piece])
            else:  # spelt, with a space behind it so that two words stay apart
                ids += [BYTES + byte for byte in f"{piece} ".encode()]
        return [*ids, END]
