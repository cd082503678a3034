"""Estimates from a few seeds, as procedures that can be repeated on resampled seeds.

Seeds are drawn independently; everything else of a study is fixed. So an estimate with
its interval is a function of the seeds, and repeating it on bootstrap draws of them
(Efron & Tibshirani, 1993, "An introduction to the bootstrap") shows how surely its
verdict stands. The intervals themselves suit few seeds: Student's t, the jackknife with
Student's t, or exact ones. Percentiles of a bootstrap over five seeds would be too
narrow.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bsgen import statistics

_Floats = npt.NDArray[np.float64]


class Ends(NamedTuple):
    """Intervals of several draws of the seeds, each [draws]."""

    values: _Floats
    lower: _Floats
    upper: _Floats


Procedure = Callable[[npt.NDArray[np.intp], float], Ends]


@dataclasses.dataclass(frozen=True)
class Estimate:
    """An estimate from independent seeds.

    Attributes:
      num_seeds: how many there are.
      procedure: takes places of seeds, [draws, n], which may repeat, and the
        confidence; returns estimate and interval of each draw.
      method: how the interval is made, in words.
      unit: what is counted, e.g. "seeds" or "searches".
    """

    num_seeds: int
    procedure: Procedure
    method: str
    unit: str = "seeds"

    def interval(
        self, confidence: float = statistics.CONFIDENCE
    ) -> statistics.Interval:
        """Returns the estimate with its interval.

        Args:
          confidence: above 0 and below 1.
        """
        ends = self.procedure(np.arange(self.num_seeds)[np.newaxis], confidence)
        return statistics.Interval(*(float(end[0]) for end in ends))

    def resampled(self, num_draws: int = 1000) -> Ends:
        """Returns the intervals of bootstrap draws: n of n seeds, with replacement."""
        size = num_draws, self.num_seeds
        chosen = np.random.default_rng(0).integers(self.num_seeds, size=size)
        return self.procedure(chosen, statistics.CONFIDENCE)


def mean(samples: npt.ArrayLike, paired: bool = False, unit: str = "seeds") -> Estimate:
    """Estimates a mean with Student's t interval.

    Args:
      samples: [n], one number a seed. One has an infinite interval, none the mean NaN.
      paired: whether each is a difference of two runs of one seed, for the words.
      unit: what is counted.
    """
    values = np.asarray(samples, float)

    def procedure(chosen: npt.NDArray[np.intp], confidence: float) -> Ends:
        drawn = values[chosen]
        count = drawn.shape[1]
        means = drawn.sum(axis=1) / count if count else np.full(len(drawn), np.nan)
        errors = statistics.standard_error(drawn.T)
        return _t_ends(means, errors, count - 1, confidence)

    return Estimate(len(values), procedure, _t_words(len(values), unit, paired), unit)


def geometric_mean(
    log_ratios: npt.ArrayLike, paired: bool = False, unit: str = "seeds"
) -> Estimate:
    """Estimates a geometric mean; the t interval is that of the logarithm.

    Args:
      log_ratios: [n], the natural logarithm of one positive number a seed.
      paired: whether each is a ratio of two runs of one seed, for the words.
      unit: what is counted.
    """
    return exponential(mean(log_ratios, paired, unit))


def exponential(estimate: Estimate) -> Estimate:
    """Returns the exponential of an estimate of a logarithm, with its interval."""

    def procedure(chosen: npt.NDArray[np.intp], confidence: float) -> Ends:
        with np.errstate(over="ignore"):  # the upper end may be infinite
            return Ends(*map(np.exp, estimate.procedure(chosen, confidence)))

    return dataclasses.replace(
        estimate, procedure=procedure, method=f"{estimate.method}, of the logarithm"
    )


def median(samples: npt.ArrayLike, unit: str = "seeds") -> Estimate:
    """Estimates a median; its interval assumes nothing of the distribution.

    It ends at order statistics and has at least the stated confidence. It suits bounded
    numbers, such as rank correlations, whose t interval would leave their range.

    Args:
      samples: [n], one number a seed. Fewer than six have an infinite interval at 95 %.
      unit: what is counted.
    """
    values = np.asarray(samples, float)

    def procedure(chosen: npt.NDArray[np.intp], confidence: float) -> Ends:
        from scipy import stats  # takes half a second

        drawn = np.sort(values[chosen], axis=1)
        count = drawn.shape[1]
        # With half of 1 - confidence, fewer of n fair coins than this show heads.
        beyond = int(stats.binom.ppf((1 - confidence) / 2, count, 0.5)) if count else 0
        centre = np.median(drawn, axis=1) if count else np.full(len(drawn), np.nan)
        if not beyond:
            return Ends(centre, *_unknown(len(drawn)))
        return Ends(centre, drawn[:, beyond - 1], drawn[:, count - beyond])

    words = f"median of {len(values)} {unit} with its 95 % interval of order statistics"
    return Estimate(len(values), procedure, words, unit)


def share(hits: npt.ArrayLike, unit: str = "seeds") -> Estimate:
    """Estimates a proportion with its exact interval (Clopper & Pearson, 1934).

    Args:
      hits: [n], whether each seed has the property.
      unit: what is counted.
    """
    values = np.asarray(hits, bool)

    def procedure(chosen: npt.NDArray[np.intp], confidence: float) -> Ends:
        from scipy import stats  # takes half a second

        drawn = values[chosen]
        count, number = drawn.shape[1], drawn.sum(axis=1)
        if not count:
            nothing = np.full(len(drawn), np.nan)
            return Ends(nothing, *_unknown(len(drawn)))
        tail = (1 - confidence) / 2
        with np.errstate(invalid="ignore"):
            lower = stats.beta.ppf(tail, number, count - number + 1)
            upper = stats.beta.ppf(1 - tail, number + 1, count - number)
        return Ends(
            number / count,
            np.where(number == 0, 0.0, lower),
            np.where(number == count, 1.0, upper),
        )

    words = f"share of {len(values)} {unit} with its exact 95 % interval"
    return Estimate(len(values), procedure, words, unit)


def least(of: Sequence[Estimate]) -> Estimate:
    """Estimates the smallest of several quantities, measured on the same seeds.

    Each of its ends is the lowest of theirs: what lies below the lower one lies below
    them all, and what lies above the upper one lies above one of them at least.

    Args:
      of: one or more, each of all seeds.
    """
    return _extreme(of, np.min)


def greatest(of: Sequence[Estimate]) -> Estimate:
    """Estimates the largest of several quantities, as `least` the smallest."""
    return _extreme(of, np.max)


def _extreme(
    of: Sequence[Estimate], choose: Callable[..., npt.NDArray[np.float64]]
) -> Estimate:
    def procedure(chosen: npt.NDArray[np.intp], confidence: float) -> Ends:
        found = [each.procedure(chosen, confidence) for each in of]
        return Ends(*(choose(ends, axis=0) for ends in zip(*found, strict=True)))

    return dataclasses.replace(of[0], procedure=procedure)


def jackknife(
    estimator: Callable[[_Floats], _Floats], num_seeds: int, unit: str = "seeds"
) -> Estimate:
    """Estimates a smooth function of means over seeds, such as a fit to mean curves.

    The error is the jackknife's, the interval Student's t of n - 1 degrees of freedom.

    Args:
      estimator: takes the weight of each seed, [draws, n] with rows that sum to 1, and
        returns the function of the means with these weights, [draws].
      num_seeds: n; one has an infinite interval.
      unit: what is counted.
    """

    def procedure(chosen: npt.NDArray[np.intp], confidence: float) -> Ends:
        counts = statistics.counted(chosen, num_seeds)
        found = estimator(counts / num_seeds)
        if num_seeds < 2:
            return Ends(found, *_unknown(len(found)))
        errors = statistics.resampled_jackknife_errors(estimator, counts)
        return _t_ends(found, errors, num_seeds - 1, confidence)

    words = f"95 % t interval from the jackknife over {num_seeds} {unit}"
    return Estimate(num_seeds, procedure, words, unit)


def ratio_of_means(
    numerators: npt.ArrayLike, denominators: npt.ArrayLike, unit: str = "seeds"
) -> Estimate:
    """Estimates the ratio of two means of paired samples; its interval is Fieller's.

    It has all ratios r for which the mean of numerator - r denominator may be 0 by
    Student's t (Fieller, 1954), so it stays right where the denominator is small: of
    unlimited length if that may be 0.

    Args:
      numerators, denominators: [n], one pair a seed.
      unit: what is counted.
    """
    pairs = np.stack([np.asarray(numerators, float), np.asarray(denominators, float)])

    def procedure(chosen: npt.NDArray[np.intp], confidence: float) -> Ends:
        above, below = pairs[:, chosen]
        count = chosen.shape[1]
        top, bottom = (
            drawn.sum(axis=1) / count if count else np.full(len(drawn), np.nan)
            for drawn in (above, below)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = top / bottom
        if count < 2:
            return Ends(ratios, *_unknown(len(ratios)))
        over, under = above - top[:, np.newaxis], below - bottom[:, np.newaxis]
        factor = statistics.t_quantile(count - 1, confidence) ** 2
        factor /= count * (count - 1)
        # Of (top - r bottom)^2 <= t^2 variance(r), as a r^2 - 2 b r + c <= 0.
        a = bottom**2 - factor * np.sum(under**2, axis=1)
        b = top * bottom - factor * np.sum(over * under, axis=1)
        c = top**2 - factor * np.sum(over**2, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.sqrt(np.maximum(b**2 - a * c, 0)) / a
            lower, upper = b / a - reach, b / a + reach
        bounded = a > 0
        lower = np.where(bounded, lower, -np.inf)
        return Ends(ratios, lower, np.where(bounded, upper, np.inf))

    words = f"95 % interval by Fieller's theorem over {pairs.shape[1]} {unit}, paired"
    return Estimate(pairs.shape[1], procedure, words, unit)


def _t_ends(values: _Floats, errors: _Floats, degrees: int, confidence: float) -> Ends:
    if degrees < 1:
        return Ends(values, *_unknown(len(values)))
    reach = statistics.t_quantile(degrees, confidence) * errors
    with np.errstate(invalid="ignore"):  # an infinite value
        return Ends(values, values - reach, values + reach)


def _unknown(count: int) -> tuple[_Floats, _Floats]:
    """Returns the ends of intervals of which nothing is known."""
    return np.full(count, -np.inf), np.full(count, np.inf)


def _t_words(count: int, unit: str, paired: bool) -> str:
    words = f"95 % t interval over {count} {unit}"
    return f"{words}, paired" if paired else words
