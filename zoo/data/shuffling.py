"""The order of an epoch: a pure function of (seed, epoch), in NumPy alone.

Only raw Philox words are used. NumPy promises that the words of a bit generator never
change between releases, which it does not promise of `Generator.permutation`; so a run
resumed years later, on any Keras backend, meets its examples in the same order.
"""

import numpy as np

from zoo.data import arguments

MAX_SEED = 2**64 - 1
_ORDER, _FLIP, _CAPTION = 0, 1, 2  # independent streams of the same (seed, epoch)
_STREAMS = 8  # numbers that each domain has for streams of its own


def _words(num_examples: int, seed: int, epoch: int, stream: int) -> np.ndarray:
    """One uniform 64-bit word an example, uint64 `[num_examples]`."""
    arguments.whole("num_examples", num_examples, 0)
    arguments.whole("seed", seed, 0, MAX_SEED)
    arguments.whole("epoch", epoch, 0, MAX_SEED)
    key = np.array([seed, epoch], dtype=np.uint64)
    counter = np.array([0, 0, 0, stream], dtype=np.uint64)
    return np.random.Philox(counter=counter, key=key).random_raw(num_examples)


def order(num_examples: int, seed: int, epoch: int, domain: int = 0) -> np.ndarray:
    """The permutation that training walks through in `epoch`, int64 `[num_examples]`.

    Epoch `e` of `zoo.data.load(name, seed=s, shuffle=True)` yields exactly
    `images[order(len(images), s, e)]` of `zoo.data.arrays(name)`, batch by batch.

    Args:
        num_examples: Number of examples of the split, after the choice of classes.
        seed: Whole number from 0.
        epoch: Whole number from 0.
        domain: Number of the domain, for a set whose domains are not paired.

    Raises: ValueError: if an argument is negative or no whole number.
    """
    return rounds(num_examples, num_examples, seed, epoch, domain)


def rounds(
    length: int, num_examples: int, seed: int, epoch: int, domain: int = 0
) -> np.ndarray:
    """The rows of an epoch of `length` rows, int64 `[length]`, of a domain that may
    have fewer: when all its examples have been seen it begins anew, in a new order.

    Args: as for `order`, whose permutation is the first round.
    Raises: ValueError: if an argument is negative or no whole number.
    """
    if num_examples == 0:
        return np.arange(0)
    count = -(-length // num_examples)
    words = _words(count * num_examples, seed, epoch, _ORDER + _STREAMS * domain)
    rows = np.argsort(words.reshape(count, num_examples), axis=1, kind="stable")
    return rows.ravel()[:length]


def flips(num_examples: int, seed: int, epoch: int, domain: int = 0) -> np.ndarray:
    """Which examples are mirrored left to right in `epoch`, bool `[num_examples]`.

    Indexed by example, not by position in the epoch; each is true with probability 1/2.

    Raises: ValueError: if an argument is negative or no whole number.
    """
    words = _words(num_examples, seed, epoch, _FLIP + _STREAMS * domain)
    return words >= np.uint64(2**63)


def captions(counts: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """Which of its captions stands for each example in `epoch`, int64 `[N]`.

    Indexed by example, not by position in the epoch, so that neither the order nor the
    size of batches has a part in it.

    Args:
        counts: Number of captions of each example, `[N]`, from 1.
        seed, epoch: Whole numbers from 0.

    Raises: ValueError: if an argument is negative or no whole number.
    """
    words = _words(len(counts), seed, epoch, _CAPTION)
    return (words % np.asarray(counts, np.uint64)).astype(np.int64)


def draw(seed: int, epoch: int) -> int:
    """A whole number 0..2**31 - 1: the seed of a shuffle that knows only one seed.

    Raises: ValueError: if an argument is negative or no whole number.
    """
    return int(_words(1, seed, epoch, _ORDER)[0] >> np.uint64(33))
