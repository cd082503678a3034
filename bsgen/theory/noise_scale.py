"""The noise scale of stochastic gradient descent, and the batch size for a given one.

Smith & Le (2017), arXiv 1710.06451: eq. 15 and the line after it (exact and approximate
noise scale without momentum), eqs. 25-26 (with momentum).
"""

from __future__ import annotations

import numpy.typing as npt

from bsgen.theory import domain


def noise_scale(
    learning_rate: npt.ArrayLike,
    batch_size: npt.ArrayLike,
    train_size: npt.ArrayLike,
    momentum: npt.ArrayLike = 0.0,
    exact: bool = False,
) -> domain.FloatArray:
    """Returns the scale g of the random fluctuations in the dynamics.

    g = learning_rate train_size / (batch_size (1 - momentum)), the usual approximation
    for batch_size << train_size; Smith & Le (2017), eq. 26. If `exact`,
    g = learning_rate (train_size / batch_size - 1) / (1 - momentum), which is eq. 15
    without momentum and vanishes for the full batch. The paper derives the momentum
    factor for the approximation only; using it in the exact form too is our choice.

    All arguments broadcast.

    Args:
      learning_rate: at least 0.
      batch_size: above 0, at most `train_size`.
      train_size: number of training examples.
      momentum: at least 0 and below 1.
      exact: whether to keep the -1, which comes from drawing without replacement.

    Returns:
      Noise scales, at least 0, of the arguments' broadcast shape.

    Raises:
      UserError: an argument is out of range.
    """
    rate = domain.at_least("learning_rate", learning_rate, 0.0)
    examples_per_batch = domain.batch_size(batch_size, train_size)
    batches = domain.positive("train_size", train_size) / examples_per_batch
    return rate * (batches - exact) / (1.0 - domain.momentum(momentum))


def optimal_batch_size(
    noise_scale: npt.ArrayLike,
    learning_rate: npt.ArrayLike,
    train_size: npt.ArrayLike,
    momentum: npt.ArrayLike = 0.0,
    exact: bool = False,
) -> domain.FloatArray:
    """Returns the batch size that gives `noise_scale`: the inverse of `noise_scale`.

    B = learning_rate train_size / (noise_scale (1 - momentum)), from Smith & Le (2017),
    eq. 26, hence B proportional to learning rate, training set and 1 / (1 - momentum).
    If `exact`, B = train_size / (1 + noise_scale (1 - momentum) / learning_rate).

    All arguments broadcast. The result is not rounded; the approximation may exceed
    `train_size`, which means that no batch is large enough.

    Args:
      noise_scale: above 0; usually the best one found at another setting.
      learning_rate: above 0.
      train_size: number of training examples.
      momentum: at least 0 and below 1.
      exact: which of the two forms of `noise_scale` to invert.

    Returns:
      Batch sizes, above 0, of the arguments' broadcast shape.

    Raises:
      UserError: an argument is out of range.
    """
    scale = domain.positive("noise_scale", noise_scale)
    rate = domain.positive("learning_rate", learning_rate)
    size = domain.positive("train_size", train_size)
    # N / B in the approximate form; the exact one has N / B - 1 in its place.
    batches = scale * (1.0 - domain.momentum(momentum)) / rate
    return size / (batches + exact)
