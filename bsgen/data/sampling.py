"""Which training examples form batch t: a pure function of (seed, t).

A run that is resumed needs no other state than its step, and runs trained together or
alone see the same batches. Two ways to draw them:

- `batches`: one permutation of the training set an epoch, cut in batches, as usual.
- `independent_batches`: each batch is drawn afresh, which is what Smith & Le (2017),
  arXiv:1710.06451, assume in eqs. 14 and 15 (noise uncorrelated between steps, and
  N (N/B - 1) F for its covariance up to O(1/N), as without replacement in a batch).

Steps count parameter updates from 0; positions are 0 to N - 1 in the training subset.
"""

import functools

import numpy as np

from bsgen import errors
from bsgen.data import random_streams

# Independent batches are drawn this many steps at a time: enough to hide the cost of
# opening a stream, few enough that reading a single step stays cheap.
_BLOCK_STEPS = 64


def batch_positions(
    seed: int, step: int, batch_size: int, train_size: int
) -> np.ndarray:
    """Returns the positions [batch_size] int32 of one step of `batches`."""
    return batches(seed, step, 1, batch_size, train_size)[0]


def batches(
    seed: int, first_step: int, num_steps: int, batch_size: int, train_size: int
) -> np.ndarray:
    """Returns the batches of steps first_step to first_step + num_steps - 1.

    The stream is one permutation of the training set after the other, and batch t
    takes places [t B, (t + 1) B) of it. Where B does not divide N a batch can span two
    epochs, so every example is seen once an epoch and none is dropped.

    Args:
      seed: of the order.
      first_step: at least 0.
      num_steps: at least 1.
      batch_size: B, 1 to N.
      train_size: N.

    Returns:
      Positions [num_steps, batch_size] int32.

    Raises:
      UserError: a size is out of range.
    """
    _check(first_step, num_steps, batch_size, train_size)
    count = num_steps * batch_size
    positions = stream(seed, first_step * batch_size, count, train_size)
    return positions.reshape(num_steps, batch_size)


class Stream:
    """The endless stream that `batches` cuts; remembers the epochs of its last piece.

    Epoch e is the places e N to (e + 1) N - 1, and holds every example once. Batches of
    changing size are cut from it just as well.
    """

    def __init__(self, seed: int, train_size: int):
        """Prepares the stream; nothing is drawn yet.

        Raises:
          UserError: `train_size` is out of range.
        """
        self._train_size = errors.check_integer("train_size", train_size, 1)
        purpose = random_streams.Purpose.EPOCH
        self._epochs = random_streams.Streams(purpose, seed)
        # A step needs two epochs at most.
        self._epoch = functools.lru_cache(maxsize=2)(self._draw_epoch)

    def positions(self, first_place: int, count: int) -> np.ndarray:
        """Returns the positions [count] int32 at some places.

        Raises:
          UserError: an argument is out of range.
        """
        errors.check_integer("first_place", first_place, 0)
        errors.check_integer("count", count, 1)
        size = self._train_size
        first_epoch, start = divmod(first_place, size)
        stop = start + count
        epochs = [self._epoch(first_epoch + e) for e in range(-(-stop // size))]
        # Cut before joining: a batch is small beside an epoch of a million examples.
        epochs[-1] = epochs[-1][: stop - (len(epochs) - 1) * size]
        epochs[0] = epochs[0][start:]
        return np.concatenate(epochs)

    def _draw_epoch(self, epoch: int) -> np.ndarray:
        """Returns the order [train_size] int32 of an epoch."""
        generator = self._epochs.at(epoch)
        return generator.permutation(self._train_size).astype(np.int32)


def stream(seed: int, first_place: int, count: int, train_size: int) -> np.ndarray:
    """Returns `Stream(seed, train_size).positions(first_place, count)`."""
    return _stream(seed, train_size).positions(first_place, count)


def independent_batches(
    seed: int, first_step: int, num_steps: int, batch_size: int, train_size: int
) -> np.ndarray:
    """Returns batches that are each drawn afresh, without replacement within a batch.

    Arguments, result and errors are those of `batches`.
    """
    _check(first_step, num_steps, batch_size, train_size)
    first_block, start = divmod(first_step, _BLOCK_STEPS)
    stop = start + num_steps
    positions = [
        _block(seed, first_block + block, batch_size, train_size)
        for block in range(-(-stop // _BLOCK_STEPS))
    ]
    return np.concatenate(positions)[start:stop]


# For runs that take turns.
_stream = functools.lru_cache(maxsize=4)(Stream)


def _block(seed: int, block: int, batch_size: int, train_size: int) -> np.ndarray:
    """Returns the independent batches [_BLOCK_STEPS, batch_size] int32 of a block."""
    purpose = random_streams.Purpose.INDEPENDENT_BATCHES
    generator = random_streams.generator(purpose, seed, block)
    positions = np.empty((_BLOCK_STEPS, batch_size), np.int32)
    for row in positions:
        # The order inside a batch does not matter, so it is not shuffled.
        row[:] = generator.choice(train_size, batch_size, replace=False, shuffle=False)
    return positions


def _check(first_step: int, num_steps: int, batch_size: int, train_size: int) -> None:
    if first_step < 0:
        raise errors.UserError("first_step", first_step, "give at least 0")
    if num_steps < 1:
        raise errors.UserError("num_steps", num_steps, "give at least 1")
    if not 1 <= batch_size <= train_size:
        remedy = f"give 1 to train_size={train_size}"
        raise errors.UserError("batch_size", batch_size, remedy)
