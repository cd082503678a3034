"""Means over seeds, their standard errors and their intervals; many tests at once.

All intervals are two-sided with 95 % confidence.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """An estimate with the ends of its confidence interval."""

    value: float
    lower: float
    upper: float


def standard_error(samples: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Returns the standard error of the mean of independent samples.

    Args:
      samples: [n, ...], the first axis counts them.

    Returns:
      The sample standard deviation (n - 1 under the root) over sqrt(n), [...];
      infinite for fewer than two samples.
    """
    values = np.asarray(samples, np.float64)
    if len(values) < 2:
        return np.full(values.shape[1:], math.inf)
    return np.asarray(values.std(axis=0, ddof=1) / math.sqrt(len(values)))


def jackknife_error(left_out: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Returns the jackknife's standard error of an estimate.

    Args:
      left_out: [n >= 2, ...], the estimate without each of the n samples.
    """
    values = np.asarray(left_out, np.float64)
    spread = np.sum((values - values.mean(axis=0)) ** 2, axis=0)
    return np.asarray(np.sqrt((len(values) - 1) / len(values) * spread))


def counted(chosen: npt.NDArray[np.intp], num_samples: int) -> npt.NDArray[np.intp]:
    """Returns how often each draw has each sample, [draws, samples]."""
    return (chosen[:, :, np.newaxis] == np.arange(num_samples)).sum(axis=1)


def resampled_jackknife_errors(
    estimator: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
    counts: npt.NDArray[np.intp],
) -> npt.NDArray[np.float64]:
    """Returns the jackknife's standard errors of an estimate, of each draw of samples.

    Args:
      estimator: takes the weight of each sample, [m, n] with rows that sum to 1, and
        returns functions of the means with these weights, [m, ...].
      counts: [draws, n >= 2], how often each draw has each sample.

    Returns:
      [draws, ...]; infinite where a function may be infinite or undefined.
    """
    num_draws, num_samples = counts.shape
    without = counts[:, np.newaxis] - np.eye(num_samples)
    # Weights of a sample that was not drawn would be negative; it does not count.
    drawn = counts[:, :, np.newaxis] > 0
    without = np.where(drawn, without, counts[:, np.newaxis] * (1 - 1 / num_samples))
    left_out = estimator(without.reshape(-1, num_samples) / (num_samples - 1))
    left_out = left_out.reshape(num_draws, num_samples, *left_out.shape[1:])
    times = counts.reshape(counts.shape + (1,) * (left_out.ndim - 2))
    with np.errstate(invalid="ignore"):  # infinities have no centre
        centre = np.sum(times * left_out, axis=1, keepdims=True) / num_samples
        spread = np.sum(times * (left_out - centre) ** 2, axis=1)
    spread = np.where(np.isnan(spread), math.inf, spread)
    return np.asarray(np.sqrt((num_samples - 1) / num_samples * spread))


def mean_interval(samples: npt.ArrayLike) -> Interval:
    """Returns the mean of independent samples with Student's t interval.

    Args:
      samples: [n], one number per seed. One sample has an infinite interval; without
        any the mean is NaN, too.
    """
    samples = np.asarray(samples, float)
    mean = float(samples.mean()) if len(samples) else math.nan
    if len(samples) < 2:
        return Interval(mean, -math.inf, math.inf)
    reach = float(t_quantile(len(samples) - 1) * standard_error(samples))
    return Interval(mean, mean - reach, mean + reach)


def holm(p_values: Sequence[float], level: float = 1 - CONFIDENCE) -> list[bool]:
    """Returns which hypotheses are rejected if many are tested at once.

    The chance that any true one is rejected is at most `level`, however they depend on
    each other: S. Holm (1979), "A simple sequentially rejective multiple test
    procedure". The k-th smallest of n p values is compared with level / (n - k + 1),
    and nothing is rejected from the first on that is larger.
    """
    rejected = [False] * len(p_values)
    ascending = sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank, place in enumerate(ascending):
        if p_values[place] > level / (len(p_values) - rank):
            break
        rejected[place] = True
    return rejected


@functools.lru_cache(maxsize=4096)
def t_quantile(degrees: int, confidence: float = CONFIDENCE) -> float:
    """Returns where the interval of a standardised Student's t ends.

    Args:
      degrees: of freedom, at least 1.
      confidence: above 0 and below 1.
    """
    from scipy import stats  # takes half a second

    return float(stats.t.interval(confidence, degrees)[1])
