"""Means over random probes, drawn until the mean is exact enough.

A probe is a vector z with independent entries of mean 0 and variance 1, so that
E[z^T A z] = tr(A): Hutchinson's estimator. Rademacher probes (entries -1 and 1) have
the smallest variance of all, 2 sum of A_ij^2 over i != j.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from bsgen import errors, statistics
from bsgen.measures import progress
from bsgen.measures.operators import linear_operator

# A standard error from fewer samples is too uncertain to stop on: with 10 it is off by
# a quarter, one standard deviation. Our choice.
MIN_PROBES = 10


@dataclasses.dataclass(frozen=True)
class SampleMean:
    """A mean of independent samples.

    Attributes:
      value: the mean, unbiased.
      standard_error: of the mean; inf for one sample.
      num_samples: at least 1.
      stopped_because: see `progress.StoppedBecause`.
    """

    value: float
    standard_error: float
    num_samples: int
    stopped_because: progress.StoppedBecause


def rademacher(draw: np.random.Generator, size: int) -> linear_operator.FloatArray:
    """Returns a probe [size] of independent -1 and 1."""
    return draw.choice([-1.0, 1.0], size=size)


def sample_mean(
    sample: Callable[[], float],
    relative_error: float,
    max_samples: int,
    offset: float = 0.0,
    report: Callable[[SampleMean], None] | None = None,
    keep_partial: bool = False,
) -> SampleMean:
    """Samples until the standard error of the mean is small enough.

    Stopping on an estimated error favours samples that happen to lie close together.
    With at least `MIN_PROBES` of them, intervals lose a few percent of their coverage
    at most.

    Args:
      sample: returns the next sample.
      relative_error: standard error at which to stop, over |offset + mean|; 0 to take
        all `max_samples`.
      max_samples: at least 1.
      offset: the rest of a quantity of which the mean is a part.
      report: called with the mean after every sample.
      keep_partial: whether Ctrl-C returns what is known so far instead of raising.

    Raises:
      UserError: an argument is out of range.
    """
    relative_error = errors.check_real("relative_error", relative_error, 0.0)
    samples: list[float] = []
    try:
        while True:
            samples.append(sample())
            mean = _mean_of(samples, progress.MAX_PRODUCTS)
            if report is not None:
                report(mean)
            goal = relative_error * abs(offset + mean.value)
            if len(samples) >= MIN_PROBES and mean.standard_error <= goal:
                return dataclasses.replace(mean, stopped_because=progress.TOLERANCE)
            if len(samples) == max_samples:
                return mean
    except KeyboardInterrupt:
        return _mean_of(samples, progress.interrupted(keep_partial and samples))


def _mean_of(
    samples: list[float], stopped_because: progress.StoppedBecause
) -> SampleMean:
    error = float(statistics.standard_error(samples))
    return SampleMean(float(np.mean(samples)), error, len(samples), stopped_because)
