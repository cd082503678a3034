"""The optimum batch size of a sweep, and how it scales, with their uncertainty.

Two things make an optimum batch size uncertain: the seeds (bootstrapped, whole seeds at
a time, because runs of one seed share their data) and the grid. Smith & Le (2017),
figure 5, draw the distance to the next sampled batch size as the error bar; here each
bootstrap draw also falls anywhere between the geometric means with its two neighbours.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from bsgen import statistics
from bsgen.studies import estimates

_NUM_DRAWS = 2000


class Optimum(NamedTuple):
    """The best batch size of one sweep.

    Attributes:
      batch_size: the sampled batch size with the highest mean accuracy.
      accuracy: that mean, over seeds.
      lower, upper: the neighbouring sampled batch sizes, the paper's error bar.
      at_edge: whether it is the smallest or the largest one sampled, so that the true
        optimum may lie outside.
      num_seeds: how many seeds it was found from.
      draws: [2000] bootstrap draws of log(optimum batch size), seeds and grid.
    """

    batch_size: int
    accuracy: float
    lower: int
    upper: int
    at_edge: bool
    num_seeds: int
    draws: np.ndarray

    def interval(self) -> statistics.Interval:
        """Returns the optimum with its interval over seeds and grid."""
        tail = (1 - statistics.CONFIDENCE) / 2
        lower, upper = np.exp(np.quantile(self.draws, [tail, 1 - tail])).tolist()
        return statistics.Interval(self.batch_size, lower, upper)


def find(accuracies: pd.DataFrame, sweep: int = 0) -> Optimum:
    """Finds the batch size of the highest mean accuracy.

    Args:
      accuracies: one row per batch size (the index, rising), one column per seed; a
        diverged run counts with the accuracy of chance.
      sweep: number of the sweep among those that are shown together. The seeds
        are resampled alike for all of them, as they share data; the places between
        batch sizes independently.

    Returns:
      The optimum with bootstrap draws.
    """
    sizes = np.asarray(accuracies.index, float)
    values = accuracies.to_numpy(float)
    means = values.mean(axis=1)
    best = int(means.argmax())
    num_seeds = values.shape[1]
    columns = np.random.default_rng(0).integers(num_seeds, size=(_NUM_DRAWS, num_seeds))
    chosen = values[:, columns].mean(axis=2).argmax(axis=0)
    logs = np.log(sizes)
    edges = np.concatenate([logs[:1], (logs[1:] + logs[:-1]) / 2, logs[-1:]])
    place = np.random.default_rng((1, sweep)).uniform(size=_NUM_DRAWS)
    draws = edges[chosen] + place * (edges[chosen + 1] - edges[chosen])
    last = len(sizes) - 1
    return Optimum(
        int(sizes[best]),
        float(means[best]),
        int(sizes[max(best - 1, 0)]),
        int(sizes[min(best + 1, last)]),
        best in (0, last),
        num_seeds,
        draws,
    )


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


def peaks(accuracies: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
    """Returns log(optimum batch size), the top of a parabola through the best three.

    Args:
      accuracies: as in `find`, with three batch sizes or more.
      weights: of the seeds, [draws, seeds]; rows sum to 1.

    Returns:
      [draws], where the parabola through the highest mean accuracy and those at the
      next smaller and larger batch sizes has its top, in log(batch size); at an edge
      the batch size itself.
    """
    logs = np.log(np.asarray(accuracies.index, float))
    means = weights @ accuracies.to_numpy(float).T
    best = means.argmax(axis=1)
    middle = best.clip(1, len(logs) - 2)
    x0, x1, x2 = (logs[middle + shift] for shift in (-1, 0, 1))
    y0, y1, y2 = (means[np.arange(len(means)), middle + shift] for shift in (-1, 0, 1))
    left, right = (y1 - y0) / (x1 - x0), (y1 - y2) / (x2 - x1)
    curvature = left + right
    top = (x0 + x1) / 2 + left / np.where(curvature > 0, curvature, 1) * (x2 - x0) / 2
    inside = (best == middle) & (curvature > 0)
    return np.asarray(np.where(inside, top, logs[best]))


def exponent(
    settings: Sequence[float], sweeps: Sequence[pd.DataFrame]
) -> estimates.Estimate:
    """Fits optimum batch size ~ setting^exponent by least squares on logarithms.

    Args:
      settings: one positive number a sweep, e.g. learning rates.
      sweeps: the accuracies at each setting, as in `find`, of the same seeds: these are
        resampled alike for all, as they share data.

    Returns:
      The exponent; NaN from fewer than two sweeps.
    """
    if len(sweeps) < 2:
        return estimates.mean([])
    logs = np.log(settings)
    centred = logs - logs.mean()
    slopes = centred / (centred**2).sum()  # the least-squares slope is slopes . y

    def fit(weights: np.ndarray) -> np.ndarray:
        tops = [peaks(accuracies, weights) for accuracies in sweeps]
        return np.asarray(slopes @ np.stack(tops))

    return estimates.jackknife(fit, len(sweeps[0].columns))
