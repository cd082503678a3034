"""The optimum batch size of a sweep, and how it scales, with their uncertainty.

Accuracy against log(batch size) climbs steeply out of the sizes at which training
breaks down, and then falls slowly. The optimum between the sizes tried is taken to be
the top of a parabola, seed by seed. On curves of this shape the top lies above the
optimum by a factor of 1.3 to 1.5, which exponents do not see, and by some more or less
as the sizes tried happen to fall: two things make it uncertain, the seeds and the
spacing of the batch sizes (the error bar of Smith & Le, 2017, figure 5). Intervals
contain both.
"""

import dataclasses
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from bsgen.studies import estimates

_Floats = npt.NDArray[np.float64]

_WINDOW = 2.1  # the parabola uses sizes within this factor of the best one, rounded
# Standard deviation of the top's place, in distances between neighbouring sizes, as the
# sizes fall differently on curves of known optimum; see the tests and BUILD_NOTES.md.
SPACING_ERROR = 0.2


class Place(NamedTuple):
    """A batch size between those tried, found on each seed.

    Attributes:
      logs: [seeds], its natural logarithm; NaN on a seed whose runs do not show it.
      spacing_error: standard deviation of all `logs` together, from the spacing of the
        batch sizes.
    """

    logs: _Floats
    spacing_error: float

    def estimate(self, tried: str = "batch sizes") -> estimates.Estimate:
        """Returns the geometric mean over seeds, with an interval for both errors."""
        return estimates.exponential(
            widened(estimates.mean(self.logs), self.spacing_error, tried)
        )

    def of_many_seeds(self) -> "Place":
        """Returns what would be left with any number of seeds: the spacing's error."""
        return self._replace(logs=np.full(max(len(self.logs), 2), self.logs.mean()))


class Optimum(NamedTuple):
    """The best batch size of one sweep.

    Attributes:
      batch_size: the sampled batch size with the highest mean accuracy.
      accuracy: that mean, over seeds.
      lower, upper: the neighbouring sampled batch sizes, the paper's error bar.
      at_edge: whether it is the smallest or the largest one sampled, so that the true
        optimum may lie outside.
      place: the optimum between the sampled batch sizes.
      shared_log: its logarithm by a parabola through the means over seeds.
    """

    batch_size: int
    accuracy: float
    lower: int
    upper: int
    at_edge: bool
    place: Place
    shared_log: float


def find(accuracies: pd.DataFrame) -> Optimum:
    """Finds the batch size of the highest accuracy.

    Args:
      accuracies: one row per batch size (the index, rising), one column per seed; a
        diverged run counts with the accuracy of chance.
    """
    sizes = accuracies.index.to_numpy()
    logs, means = np.log(sizes), accuracies.to_numpy(float).mean(axis=1)
    best, last = int(means.argmax()), len(sizes) - 1
    return Optimum(
        int(sizes[best]),
        float(means[best]),
        int(sizes[max(best - 1, 0)]),
        int(sizes[min(best + 1, last)]),
        best in (0, last),
        place(accuracies),
        float(tops(logs, means[np.newaxis])[0]),
    )


def place(scores: pd.DataFrame) -> Place:
    """Finds where each seed's scores are highest, between the settings tried.

    Args:
      scores: finite, the higher the better; one row a setting, such as a batch size or
        a learning rate (the index, rising), one column a seed.
    """
    logs, values = np.log(scores.index.to_numpy(float)), scores.to_numpy(float)
    nearest = int(values.mean(axis=1).argmax())
    return Place(tops(logs, values.T), spacing_error(logs, nearest))


def breakdown(accuracies: pd.DataFrame, chance: float) -> Place:
    """Finds the batch size below which training breaks down.

    There the accuracy crosses the middle between chance and the seed's best: above the
    largest batch size that stays below the middle, on a straight line in log(batch
    size).

    Args:
      accuracies: as in `find`.
      chance: accuracy of a guess.
    """
    logs, values = np.log(accuracies.index.to_numpy()), accuracies.to_numpy(float)
    found = np.full(values.shape[1], np.nan)
    for seed, curve in enumerate(values.T):
        middle = (chance + curve.max()) / 2
        below = np.flatnonzero(curve < middle)
        if len(below) and below[-1] + 1 < len(curve):
            ends = slice(below[-1], below[-1] + 2)
            found[seed] = np.interp(middle, curve[ends], logs[ends])
    nearest = 0 if np.isnan(found).any() else int(logs.searchsorted(found.mean()))
    return Place(found, spacing_error(logs, nearest))


def advantage(accuracies: pd.DataFrame, over: int) -> estimates.Estimate:
    """Returns how far the optimum's accuracy lies above that at batch size `over`.

    The optimum is chosen on all seeds but one and measured on that one, for each in
    turn, so that choosing the highest of many means does not flatter it.

    Args:
      accuracies: as in `find`, of two seeds or more.
      over: a batch size of the index.
    """
    differences = []
    for seed in accuracies.columns:
        others = accuracies.drop(columns=seed)
        chosen = (others if len(others.columns) else accuracies).mean(axis=1).idxmax()
        differences.append(accuracies.at[chosen, seed] - accuracies.at[over, seed])
    return estimates.mean(differences, paired=True)


def exponent(
    settings: Sequence[float], places: Sequence[Place], tried: str = "batch sizes"
) -> estimates.Estimate:
    """Fits optimum ~ setting^exponent by least squares on logarithms, on each seed.

    So seeds are resampled alike for all settings, as they share their data.

    Args:
      settings: one positive number an optimum, e.g. learning rates.
      places: the optimum at each setting, of the same seeds.
      tried: of what it is the optimum, for the words.

    Returns:
      The mean exponent of the seeds; NaN from fewer than two settings.
    """
    if len(places) < 2:
        return estimates.mean([])
    slopes = slope(settings, np.stack([place.logs for place in places], axis=1))
    errors = slope(settings, np.diag([place.spacing_error for place in places]))
    return widened(estimates.mean(slopes), float(np.linalg.norm(errors)), tried)


def slope(settings: Sequence[float], logs: npt.ArrayLike) -> _Floats:
    """Returns the least-squares slope of logarithms against those of the settings.

    Args:
      settings: [n >= 2], positive.
      logs: [..., n].
    """
    centred = np.log(settings) - np.log(settings).mean()
    return np.asarray(np.asarray(logs) @ centred / (centred**2).sum())


def tops(logs: _Floats, curves: _Floats) -> _Floats:
    """Returns the top of the parabola through the values beside the best one.

    It is cut off at the ends of its window; at an edge of the settings tried, or where
    the parabola has no top, it is the best setting itself.

    Args:
      logs: [n], logarithms of the settings, rising.
      curves: [m, n], accuracies, or whatever else of which more is better.

    Returns:
      [m], logarithms.
    """
    best = curves.argmax(axis=1)
    found = logs[best]
    for place in np.unique(best[(best > 0) & (best < len(logs) - 1)]):
        distances, near = logs - logs[place], window(logs, place)
        ends = distances[near][[0, -1]]
        own = best == place
        fitted = np.polyfit(distances[near], curves[own][:, near].T, 2)
        square, linear = np.where(fitted[0] < 0, fitted[:2], [[-1.0], [0.0]])
        found[own] += np.clip(-linear / (2 * square), *ends)
    return found


def window(logs: _Floats, place: int) -> npt.NDArray[np.bool_]:
    """Returns which settings are near to one of them, its neighbours always.

    Args:
      logs: [n], logarithms of the settings, rising.
      place: of the one, neither the first nor the last.
    """
    near = np.abs(logs - logs[place]) <= np.log(_WINDOW)
    near[place - 1 : place + 2] = True  # however far apart they are
    return near


def spacing_error(logs: _Floats, nearest: int) -> float:
    """Returns the error of a setting from its distances to those tried beside it.

    Args:
      logs: [n], logarithms of the settings tried, rising.
      nearest: which of them it is nearest to.

    Returns:
      A standard deviation.
    """
    around = logs[max(nearest - 1, 0) : nearest + 2]
    return float(SPACING_ERROR * (around[-1] - around[0]) / max(len(around) - 1, 1))


def widened(
    estimate: estimates.Estimate, error: float, tried: str = "batch sizes"
) -> estimates.Estimate:
    """Returns an estimate with an error that any number of seeds would leave.

    Args:
      estimate: whose interval is symmetric.
      error: standard deviation of the other error, independent of the seeds.
      tried: the settings whose spacing makes it, for the words.
    """

    def procedure(chosen: npt.NDArray[np.intp], confidence: float) -> estimates.Ends:
        ends = estimate.procedure(chosen, confidence)
        of_error = error * statistics.NormalDist().inv_cdf((1 + confidence) / 2)
        reach = np.hypot(ends.upper - ends.values, of_error)
        return estimates.Ends(ends.values, ends.values - reach, ends.values + reach)

    words = f"{estimate.method} and the spacing of the {tried}"
    return dataclasses.replace(estimate, procedure=procedure, method=words)
