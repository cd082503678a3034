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
        logs = statistics.percentile_interval(np.log(self.batch_size), self.draws)
        return statistics.Interval(*np.exp(logs).tolist())


def find(accuracies: pd.DataFrame, sweep: int = 0) -> Optimum:
    """Finds the batch size of the highest mean accuracy.

    Args:
      accuracies: one row per batch size (the index, rising), one column per seed; a
        diverged run counts with the accuracy of chance.
      sweep: number of the sweep among those that `exponent` fits together. The seeds
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


def advantage(accuracies: pd.DataFrame, over: int) -> statistics.Interval:
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
    return statistics.mean_interval(np.array(differences))


def exponent(
    settings: Sequence[float], optima: Sequence[Optimum]
) -> statistics.Interval:
    """Fits optimum batch size ~ setting^exponent by least squares on logarithms.

    Args:
      settings: one positive number an optimum, e.g. learning rates.
      optima: the optimum at each setting.

    Returns:
      The exponent with its bootstrap interval (seeds and grid); NaN with an infinite
      interval from fewer than two optima. With one seed the spread is unknown and the
      interval infinite.
    """
    if len(optima) < 2:
        return statistics.Interval(np.nan, -np.inf, np.inf)
    logs = np.log(settings)
    centred = logs - logs.mean()
    weights = centred / (centred**2).sum()  # the least-squares slope is weights . y
    value = weights @ np.log([best.batch_size for best in optima])
    if min(best.num_seeds for best in optima) < 2:
        return statistics.Interval(float(value), -np.inf, np.inf)
    draws = weights @ np.stack([best.draws for best in optima])
    return statistics.percentile_interval(float(value), draws)
