"""How sure the optimum of a sweep of learning rates is, by its seeds.

The best k of n runs at the best of many rates flatter, and a learning rate on a grid
jumps. So everything here is a function of the seeds that chooses runs and rate anew,
and can be repeated without each seed (the jackknife) or on resampled seeds (the
bootstrap). The best of several rates that are about equally good looks better than it
is; what the bootstrap shows of that is taken off.

The interval of an optimal rate has every rate whose mean is not surely worse than the
best one's, by a t test that is paired by seed. One standard deviation of a run, the
error bar of Smith, Elsen & De (2020), is about as wide if ten runs count.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from bsgen import statistics
from bsgen.studies import bootstrap, estimates, optimal_rate
from bsgen.studies.best_runs import Sweep

_Floats = npt.NDArray[np.float64]
_NUM_DRAWS = 1000


def score(found: Sweep, column: str | None = None) -> estimates.Estimate:
    """Estimates the mean of the best runs at the optimal rate, less its bias.

    Args:
      found: a sweep.
      column: of another final metric of these runs; None for the one that decides.
    """
    number = found.values.shape[1]
    return bootstrap.debiased(lambda w: at_optimum(found, w, column), number)


def at_optimum(found: Sweep, weights: _Floats, column: str | None = None) -> _Floats:
    """Returns the mean of the best runs at the optimal rate, both by weights of seeds.

    Args:
      found: a sweep.
      weights: [draws, seeds], as of `Sweep.means`.
      column: as of `score`.

    Returns:
      [draws].
    """
    means = found.means(weights)
    best = found.selection.scores(means).argmax(axis=1)
    if column is not None:
        means = found.means(weights, column)
    return means[np.arange(len(best)), best]


def gain(first: Sweep, second: Sweep, column: str | None = None) -> estimates.Estimate:
    """Estimates the first `score` less the second one, paired by seed.

    Args:
      first, second: of the same seeds.
      column: as of `score`.

    Raises:
      ValueError: the seeds are not the same.
    """
    if not first.values.columns.equals(second.values.columns):
        raise ValueError("the two sweeps have different seeds")

    def difference(weights: _Floats) -> _Floats:
        of_first, of_second = (
            at_optimum(found, weights, column) for found in (first, second)
        )
        return of_first - of_second

    return bootstrap.debiased(difference, first.values.shape[1])


def log_rate(found: Sweep, between: bool = False) -> estimates.Estimate:
    """Estimates the natural logarithm of the optimal rate.

    Args:
      found: a sweep; of a single seed the interval has no ends, and none on the side
        where a rate that may be the best is the last of the grid.
      between: whether the optimum may lie between the rates of the grid. Then the
        estimate is that of `optimal_rate.places`, at an edge the edge, and the interval
        has half a spacing more on both sides.
    """
    logs = np.log(found.values.index.to_numpy(float))
    number = found.values.shape[1]

    def procedure(chosen: npt.NDArray[np.intp], confidence: float) -> estimates.Ends:
        counts = statistics.counted(chosen, number)
        scores = _scores(found, counts / number)
        best = scores.argmax(axis=1)
        tops = logs[best]
        if between:
            tops = optimal_rate.places(found, counts / number)
        if number < 2:
            nothing = np.full(len(tops), np.inf)
            return estimates.Ends(tops, -nothing, nothing)
        near = _near(found, counts, scores, best, confidence)
        low = near.argmax(axis=1)
        high = near.shape[1] - 1 - near[:, ::-1].argmax(axis=1)
        lower, upper = logs[low], logs[high]
        if between:
            steps = np.diff(logs, prepend=logs[:1], append=logs[-1:])
            below, above = steps[:-1], steps[1:]
            lower, upper = lower - below[low] / 2, upper + above[high] / 2
        lower = np.where(low == 0, -np.inf, lower)
        upper = np.where(high == len(logs) - 1, np.inf, upper)
        return estimates.Ends(tops, lower, upper)

    words = f"95 % interval of rates not surely worse than the best over {number} seeds"
    return estimates.Estimate(number, procedure, words)


def rate(found: Sweep, between: bool = False) -> estimates.Estimate:
    """Estimates the optimal rate; see `log_rate`."""
    return estimates.exponential(log_rate(found, between))


def ratio(first: Sweep, second: Sweep, between: bool = False) -> estimates.Estimate:
    """Estimates the first optimal rate over the second one; see `log_rate`.

    The distances to the ends of the two intervals are added as independent errors are
    (Zou & Donner, 2008, "Construction of confidence limits about effect measures").

    Args:
      first, second: of the same seeds.
      between: as of `log_rate`.
    """
    above, below = log_rate(first, between), log_rate(second, between)

    def procedure(chosen: npt.NDArray[np.intp], confidence: float) -> estimates.Ends:
        a, b = (each.procedure(chosen, confidence) for each in (above, below))
        logs = a.values - b.values
        lower = logs - np.hypot(a.values - a.lower, b.upper - b.values)
        upper = logs + np.hypot(a.upper - a.values, b.values - b.lower)
        return estimates.Ends(logs, lower, upper)

    words = f"{above.method}, for both"
    number = above.num_seeds
    return estimates.exponential(estimates.Estimate(number, procedure, words))


class Moves(NamedTuple):
    """The optimal rates of bootstrap draws of the seeds.

    Attributes:
      share: of the draws, in which another rate than that of all seeds is the best.
      chances: of each rate to be the best, the index.
    """

    share: float
    chances: pd.Series


def moves(found: Sweep) -> Moves:
    """Returns how often the optimal rate would be another one with other seeds.

    Seeds are drawn with replacement, as many as there are, and together for all rates.
    """
    number = found.values.shape[1]
    size = _NUM_DRAWS, number
    chosen = np.random.default_rng(0).integers(number, size=size)
    scores = _scores(found, statistics.counted(chosen, number) / number)
    rates = found.values.index
    shares = np.bincount(scores.argmax(axis=1), minlength=len(rates)) / _NUM_DRAWS
    chances = pd.Series(shares, rates)
    return Moves(float(chances[rates != found.best].sum()), chances)


def _scores(found: Sweep, weights: _Floats) -> _Floats:
    return found.selection.scores(found.means(weights))


def _near(
    found: Sweep,
    counts: npt.NDArray[np.intp],
    scores: _Floats,
    best: npt.NDArray[np.intp],
    confidence: float,
) -> npt.NDArray[np.bool_]:
    """Returns which rates are not surely worse than the best one, [draws, rates]."""
    number = counts.shape[1]

    def lags(weights: _Floats) -> _Floats:
        all_scores = _scores(found, weights)
        of_draws = np.repeat(best, len(weights) // len(best))
        return all_scores[np.arange(len(weights)), of_draws, np.newaxis] - all_scores

    with np.errstate(invalid="ignore"):  # infinite losses
        behind = scores.max(axis=1, keepdims=True) - scores
        errors = statistics.resampled_jackknife_errors(lags, counts)
    reach = statistics.t_quantile(number - 1, confidence) * errors
    near = np.isfinite(behind) & (behind <= reach)
    near[np.arange(len(best)), best] = True
    return near
