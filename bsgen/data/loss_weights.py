"""Multiplicative noise: random weights of the examples' losses.

Hoffer et al. (2017), arXiv 1705.08741, section 4: g = (1/M) sum_n g_n z_n with
independent z_n ~ N(1, sigma^2) has the mean of a batch's gradient, and a larger
covariance: that of a batch of M / (1 + sigma^2) examples, as `bsgen.theory.loss_noise`
says more exactly. Weights may be negative; the paper's may, too.

Draws are a pure function of the seed and of the place in the endless stream of training
examples, as in `bsgen.data.augmentation`.
"""

import functools

import numpy as np

from bsgen import errors
from bsgen.data import random_streams

# Places drawn at a time: about two of the largest usual batches.
_BLOCK_PLACES = 4096


def draws(sigma: float, seed: int, first_place: int, count: int) -> np.ndarray:
    """Draws for `count` places of the stream of training examples, from the first on.

    Args:
      sigma: standard deviation of a weight, at least 0.
      seed: of the draws; equal seeds give equal z_n - 1, up to the factor sigma.
      first_place: at least 0.
      count: at least 1.

    Returns:
      Weights z_n, float32 [count].

    Raises:
      UserError: an argument is out of range.
    """
    errors.check_float32("sigma", sigma)
    errors.check_integer("first_place", first_place, 0)
    errors.check_integer("count", count, 1)
    first_block, start = divmod(first_place, _BLOCK_PLACES)
    stop = start + count
    blocks = [
        _block(seed, first_block + block) for block in range(-(-stop // _BLOCK_PLACES))
    ]
    normal = np.concatenate(blocks)[start:stop]
    return 1 + np.float32(sigma) * normal


# Consecutive steps fall in one block or in two neighbours; the rest is for runs that
# take turns.
@functools.lru_cache(maxsize=64)
def _block(seed: int, block: int) -> np.ndarray:
    """Returns standard normal numbers [_BLOCK_PLACES] float32."""
    purpose = random_streams.Purpose.LOSS_WEIGHTS
    generator = random_streams.generator(purpose, seed, block)
    return generator.standard_normal(_BLOCK_PLACES, dtype=np.float32)
