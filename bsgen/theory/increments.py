"""The covariance of the gradients of different batches, drawn without replacement.

Hoffer, Hubara & Soudry (2017), arXiv 1705.08741, appendix A. One epoch is a permutation
of the N examples, cut in batches of B; steps count from the start of an epoch. With g_n
the examples' gradients at fixed weights, g their mean and
F = sum_n (g_n - g) (g_n - g)^T / (N - 1):

The gradients at two different places of a permutation are drawn from N without
replacement, so their covariance is -F / N, and that at one place is (1 - 1/N) F. Places
in different epochs are independent. Let a batch have a_e of its places in epoch e, and
a later one b_e. Then

    cov(v_t, v_{t+k}) = -(F / N) sum_e a_e b_e / B^2    for k != 0,
    cov(v_t, v_t)     = (1/B - sum_e a_e^2 / (B^2 N)) F.

So within an epoch the covariance is -F / N, whatever k is, against (1/B - 1/N) F of the
batch itself: a correlation of -1 / (N/B - 1), the same along every direction. At
B = N/2 it is -1, as the two batches are complementary. Between epochs there is none,
nor between batches that are each drawn afresh. Where B does not divide N, a batch may
span two epochs, which the sums count.

The paper has g g^T / (N - 1) for k != 0: of the other sign, and of rank one. The slip:
it gives all pairs of examples the probability (M/N) M/(N - 1) of being drawn for steps
t and t + k, also the pairs of an example with itself, which no epoch draws twice. These
N terms, sum_n g_n g_n^T / (N (N - 1)) = F / N + g g^T / (N - 1), are the whole of the
difference. The conclusion, nearly no correlation for B << N, holds all the same.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bsgen import errors
from bsgen.theory import domain

_SAMPLINGS = ("shuffle", "independent")


def increment_covariance(
    batch_size: int,
    train_size: int,
    lag: npt.ArrayLike,
    step: npt.ArrayLike = 0,
    sampling: str = "shuffle",
) -> domain.FloatArray:
    """Returns the covariance of the gradients of batches `step` and `step + lag`.

    It is in units of F, at fixed weights, and exact; see the module. Times the product
    of the learning rates it is that of the increments without momentum.

    Args:
      batch_size: B, at most N.
      train_size: N, at least 2.
      lag: k, at least 0; it broadcasts against `step`.
      step: t, from the start of an epoch, at least 0.
      sampling: "shuffle", epochs in another order each, or "independent", as
        `DataConfig.sampling`.

    Raises:
      UserError: an argument is out of range.
    """
    errors.check_integer("train_size", train_size, 2)
    errors.check_integer("batch_size", batch_size, 1, train_size)
    if sampling not in _SAMPLINGS:
        raise errors.unknown_name("sampling", sampling, _SAMPLINGS)
    lags = domain.at_least("lag", lag, 0.0)
    steps, later = np.broadcast_arrays(domain.at_least("step", step, 0.0), lags)
    same = later == 0
    if sampling == "independent":
        return np.where(same, 1 / batch_size - 1 / train_size, 0.0)
    first = steps * batch_size % train_size  # where the batch begins in its epoch
    second = first + later * batch_size
    # A batch spans two epochs at most: its own, and the next one.
    shared = sum(
        _places(first, epoch, batch_size, train_size)
        * _places(second, epoch, batch_size, train_size)
        for epoch in (0, 1)
    )
    return same / batch_size - shared / batch_size**2 / train_size


def paper_increment_covariance(
    batch_size: npt.ArrayLike,
    train_size: npt.ArrayLike,
    lag: npt.ArrayLike,
    squared_gradient: npt.ArrayLike,
    trace: npt.ArrayLike,
) -> domain.FloatArray:
    """Returns the trace of appendix A's covariance, with its slip; see the module.

    (1/B - 1/(N - 1)) mean |g_n|^2 + |g|^2 / (N - 1) for lag 0, |g|^2 / (N - 1) for any
    other. The numbers broadcast.

    Args:
      batch_size: B, at most N.
      train_size: N, at least 2.
      lag: k, at least 0.
      squared_gradient: |g|^2, of the full gradient.
      trace: tr(F).

    Raises:
      UserError: an argument is out of range.
    """
    examples = domain.at_least("train_size", train_size, 2.0)
    size = domain.batch_size(batch_size, examples)
    squared = domain.at_least("squared_gradient", squared_gradient, 0.0)
    variance = domain.at_least("trace", trace, 0.0)
    second_moment = (1 - 1 / examples) * variance + squared
    alone = (1 / size - 1 / (examples - 1)) * second_moment
    same = domain.at_least("lag", lag, 0.0) == 0
    return same * alone + squared / (examples - 1)


def _places(
    begin: domain.FloatArray, epoch: int, batch_size: int, train_size: int
) -> domain.FloatArray:
    """Returns how many places of batches from `begin` on lie in an epoch."""
    start, end = epoch * train_size, (epoch + 1) * train_size
    inside = np.minimum(begin + batch_size, end) - np.maximum(begin, start)
    return np.maximum(inside, 0.0)
