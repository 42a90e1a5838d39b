"""Turns captions into numbers: words of a vocabulary, and the bytes of all other words.

So every language and every new word can be written: a word that the vocabulary lacks is
spelt. The ids are 0 for padding, 1 and 2 for the beginning and the end of a text, 3 to
258 for bytes, and then one for each word.
"""

import collections
import re
from collections.abc import Iterable, Sequence

import numpy as np

PAD, BEGIN, END, BYTES, WORDS = 0, 1, 2, 3, 259
MOST_WORDS = 4096
_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
# A character of Chinese, Japanese or Korean is a word of its own, and so is a sign.
_PIECES = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+|[^\w\s]")


def pieces(text: str) -> list[str]:
    """Returns the words and signs of a text, lower-cased."""
    return _PIECES.findall(text.lower())


def vocabulary(texts: Iterable[str], most: int = MOST_WORDS) -> tuple[str, ...]:
    """Returns the most common words of `texts`, the commonest first, at most `most`."""
    counts = collections.Counter(piece for text in texts for piece in pieces(text))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return tuple(ranked[:most])


class Tokenizer:
    """Turns texts into tokens of a fixed length.

    Args:
        words: The vocabulary.
        length: Tokens per text, with those of its beginning and end; longer texts are
            cut.
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
            else:  # it is spelt; the space behind it keeps two words apart
                ids += [BYTES + byte for byte in f"{piece} ".encode()]
        return [*ids, END]

    def spans(self, text: str) -> list[tuple[str, int, int]]:
        """Returns (word or sign, its first token, the one behind its last) of all that
        the tokens of a text hold whole."""
        spans, start = [], 1
        for piece in pieces(text):
            count = 1 if piece in self.ids else len(piece.encode()) + 1
            if start + count > self.length:
                break
            spans.append((piece, start, start + count))
            start += count
        return spans

    def cut(self, text: str) -> str:
        """Returns the words and signs of a text that its tokens do not hold, or not
        whole; "" if they hold all."""
        left, each = self.length - 1, pieces(text)
        for place, piece in enumerate(each):
            left -= 1 if piece in self.ids else len(piece.encode()) + 1
            if left < 0:
                return " ".join(each[place:])
        return ""
