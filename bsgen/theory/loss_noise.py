"""Multiplicative noise that gives a large batch the gradients of a small one.

Hoffer, Hubara & Soudry (2017), arXiv 1705.08741, section 4 and appendix A: weights
z_n ~ N(1, sigma^2) of the examples' losses leave the mean of a batch's gradient as it
is, and sigma^2 in proportion to the batch size M keeps its covariance constant.

Derivation, for any M <= N and any gradients g_n. Let g be their mean over the N
examples, F = sum_n (g_n - g) (g_n - g)^T / (N - 1), and

    v = (1/M) sum_{n in batch} z_n g_n.

Given the batch, v has the mean of the batch's gradients and the covariance
(sigma^2 / M^2) sum_{n in batch} g_n g_n^T. Over batches drawn without replacement the
first has mean g and covariance (1/M - 1/N) F, and the second has the mean
(sigma^2 / M) (1/N) sum_n g_n g_n^T. As that sum over N is (1 - 1/N) F + g g^T,

    E v = g,    cov v = [1/M - 1/N + (sigma^2 / M) (1 - 1/N)] F + (sigma^2 / M) g g^T.

The small batch has (1/m - 1/N) F. The 1/N cancel, and both are equal in F for

    sigma^2 = (M / m - 1) N / (N - 1),

for any M and m: M << N is not needed. What remains, in excess of the small batch, is

    (sigma^2 / M) g g^T = (1/m - 1/M) N / (N - 1) g g^T,

the scatter of the mean weight of a batch, along the gradient alone. Its trace is at
most N / (N - 1) |g|^2 / tr(F) of the small batch's. (Weights less their mean over the
batch plus 1 would not have it: there (1/M - 1/N + sigma^2 (M - 1) / M^2) F is exact.
The paper's are independent, and so are ours.)

With replacement the terms of v are independent, cov v = ((1 + sigma^2) (1 - 1/N) F +
sigma^2 g g^T) / M, and the small batch has (1 - 1/N) F / m. There sigma^2 = M / m - 1
is exact but for the same kind of remainder, (1/m - 1/M) g g^T.

The square-root rule multiplies the step of a batch of M, so its covariance by M / m to
(1/m - (M / m) / N) F, which is less than the small batch's, and nothing for M = N. The
noise at the unchanged rate gives that for

    sigma^2 = (M / m - 1) (N - M) / (N - 1),

so the two remedies of section 4 have different covariances unless M << N. With
replacement (1 - 1/N) F / m is that of both, and sigma^2 = M / m - 1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bsgen import errors
from bsgen.theory import domain

_TARGETS = ("small_batch", "sqrt_rate")


def loss_noise(
    batch_size: npt.ArrayLike,
    small_batch_size: npt.ArrayLike,
    train_size: npt.ArrayLike | None = None,
    target: str = "small_batch",
) -> domain.FloatArray:
    """Returns sigma, with which a batch of M is as noisy as one of m.

    sqrt(M / m - 1) without `train_size`: exact for batches drawn with replacement, and
    the limit of large N without. sqrt((M / m - 1) N / (N - 1)) with it, exact without
    replacement. Both up to a part along the mean gradient; see the module. The paper
    says sigma^2 in proportion to M, which they are for M >> m.

    The numbers broadcast.

    Args:
      batch_size: M, of the batches that are trained on, at least m.
      small_batch_size: m, above 0.
      train_size: N, at least M and 2, for batches drawn without replacement.
      target: whose covariance the step should have: "small_batch", that of a batch of m
        at the same learning rate; "sqrt_rate", that of a batch of M at sqrt(M / m)
        times the rate, which with `train_size` is sqrt((M / m - 1) (N - M) / (N - 1)).

    Returns:
      Standard deviations, at least 0, for `RunConfig.loss_noise`.

    Raises:
      UserError: an argument is out of range, or the target is unknown.
    """
    if target not in _TARGETS:
        raise errors.unknown_name("target", target, _TARGETS)
    small = domain.positive("small_batch_size", small_batch_size)
    ratio = domain.positive("batch_size", batch_size) / small
    variance = domain.at_least("batch_size / small_batch_size", ratio, 1.0) - 1.0
    if train_size is None:
        return np.sqrt(variance)
    examples = domain.at_least("train_size", train_size, 2.0)
    size = domain.batch_size(batch_size, examples)
    left = examples if target == "small_batch" else examples - size
    return np.sqrt(variance * left / (examples - 1.0))
