"""Intervals over seeds. All are two-sided with 95 % confidence."""

from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """An estimate with the ends of its confidence interval."""

    value: float
    lower: float
    upper: float


def mean_interval(samples: np.ndarray) -> Interval:
    """Returns the mean of independent samples with Student's t interval.

    Args:
      samples: [n], one number a seed; n = 1 gives an infinite interval.
    """
    samples = np.asarray(samples, float)
    mean = float(samples.mean())
    if len(samples) < 2:
        return Interval(mean, -np.inf, np.inf)
    from scipy import stats  # takes half a second

    ends = stats.t.interval(CONFIDENCE, len(samples) - 1)
    lower, upper = mean + np.array(ends) * stats.sem(samples)
    return Interval(mean, float(lower), float(upper))


def percentile_interval(value: float, draws: np.ndarray) -> Interval:
    """Returns `value` with the percentiles of its bootstrap draws."""
    tail = 50 * (1 - CONFIDENCE)
    lower, upper = np.percentile(draws, [tail, 100 - tail])
    return Interval(value, float(lower), float(upper))
