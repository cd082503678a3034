"""Independent random streams, each identified by its purpose, a seed and an index.

Every stream is a Philox generator (Salmon et al., 2011, "Parallel random numbers: as
easy as 1, 2, 3"), whose output is a pure function of its key and its counter, so any
stream can be opened at once, without the ones before it.
"""

import enum

import numpy as np

from bsgen import errors


class Purpose(enum.IntEnum):
    """What a stream is for; streams of different purposes never overlap."""

    SUBSET = 0
    TRAIN_INPUTS = 1
    TEST_INPUTS = 2
    TRAIN_LABELS = 3
    TEST_LABELS = 4
    EPOCH = 5
    INDEPENDENT_BATCHES = 6
    AUGMENTATION = 7
    RESIZED_CROP = 8
    LOSS_WEIGHTS = 9
    TEXT = 10


def generator(purpose: Purpose, seed: int, index: int = 0) -> np.random.Generator:
    """Returns the generator at the start of one stream.

    The 128-bit key holds the seed and the index; the highest word of the 256-bit
    counter holds the purpose, which leaves 2^192 blocks to each stream.

    Seed and index (such as the number of the epoch) are 0 to 2^64 - 1.

    Raises:
      UserError: the seed is out of range.
    """
    if not 0 <= seed < 2**64:
        raise errors.UserError("seed", seed, "give an integer from 0 to 2^64 - 1")
    key = np.array([seed, index], dtype=np.uint64)
    counter = np.array([0, 0, 0, purpose], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


class Streams:
    """The streams of one purpose and seed, drawn from one after the other.

    To go to another one takes a small part of the time that `generator` takes.
    """

    def __init__(self, purpose: Purpose, seed: int):
        """Opens the first one.

        Raises:
          UserError: the seed is out of range.
        """
        self._generator = generator(purpose, seed)
        self._start = self._generator.bit_generator.state

    def at(self, index: int) -> np.random.Generator:
        """Returns the generator, at the start of the stream of this index."""
        self._start["state"]["key"][1] = index
        self._generator.bit_generator.state = self._start
        return self._generator
