"""The best k of n runs at each learning rate, and the optimal rate.

Smith, Elsen & De (2020), arXiv 2006.15081, section 4: at each learning rate of a
logarithmic grid a model is trained n times; the best k runs count, so that no outlier
or failed run does. The optimal rate has the best mean of them, and its error bar is
every rate whose mean lies within one standard deviation of that. The paper takes 12 of
15, or 5 of 7.

A run that diverged is a result, the worst one. A run that failed, or is still missing,
is none: it does not count either, and a rate with fewer than k runs has no mean. How
sure the optimum is, `bsgen.studies.best_rate` tells.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from bsgen import errors

_Floats = npt.NDArray[np.float64]
_LEAST = 1e-9  # of all weight: less of a run is a rounding error
_DRAWS_AT_ONCE = 256  # so that what is computed of them fits a cache


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which runs of a learning rate count, and by what.

    Attributes:
      keep: k, at least 1.
      of: n, at least k; of another number of seeds the same share counts, rounded up.
      column: of the final metric that decides.
      higher_is_better: whether more of it is better.
      worst: what a diverged run gets: the accuracy of a guess, or infinity for a loss.
    """

    keep: int
    of: int
    column: str = "final_test_accuracy"
    higher_is_better: bool = True
    worst: float = 0.1

    def __post_init__(self) -> None:
        errors.check_integer("keep", self.keep, 1)
        errors.check_integer("of", self.of, 1)
        if self.keep > self.of:
            remedy = f"give at most the number of runs, {self.of}"
            raise errors.UserError("keep", self.keep, remedy)

    def count(self, num_seeds: int) -> int:
        """Returns how many of so many runs count."""
        return math.ceil(self.keep * num_seeds / self.of)

    def order(self, values: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """Returns the places of runs on the last axis, the best first.

        Args:
          values: [..., n]; of equal ones the earlier comes first, and NaN last.
        """
        scores = np.asarray(values, float)
        return np.argsort(-scores if self.higher_is_better else scores, kind="stable")

    def scores(self, means: npt.ArrayLike) -> _Floats:
        """Returns means as numbers of which the highest is the best, NaN the lowest."""
        values = np.asarray(means, float)
        scores = values if self.higher_is_better else -values
        return np.where(np.isnan(scores), -np.inf, scores)


class Sweep(NamedTuple):
    """The learning rates tried at one setting.

    Attributes:
      values: of the column that decides, one row an effective learning rate, rising,
        one column a seed; a diverged run has the worst value, one that is missing NaN.
      rates: with the same rows: `mean` and `std` (n - 1; 0 of one) of the runs that
        count, `plain`, the mean of all, `runs`, `diverged`, and the mean of each other
        final metric over the runs that count, of which a diverged one has none.
      best: the optimal rate; of equal ones the smallest. NaN if no rate has a mean.
      low, high: its error bar.
      edge: which end of the grid the optimum or its error bar touches: "", "lower",
        "upper" or "both".
      selection: which runs count.
      others: as `values`, of each other final metric by its column; a diverged run has
        none, NaN.
    """

    values: pd.DataFrame
    rates: pd.DataFrame
    best: float
    low: float
    high: float
    edge: str
    selection: Selection
    others: dict[str, pd.DataFrame]

    @property
    def optimum(self) -> pd.Series:
        """The row of `rates` of the optimal rate; all NaN if there is none."""
        return self.rates.reindex([self.best]).iloc[0]

    def means(self, weights: npt.ArrayLike, column: str | None = None) -> _Floats:
        """Returns the mean of the best runs at each rate, by weights of the seeds.

        The best ones that together weigh k / n count, the last of them in part. Equal
        weights give the means of `rates`, those of resampled seeds other ones.

        Args:
          weights: [draws, seeds], in the order of the columns; each row sums to 1.
          column: of `others`, over the same runs; None for the one that decides.

        Returns:
          [draws, rates]; NaN where fewer runs than that have ended.
        """
        drawn = np.asarray(weights, float)
        blocks = range(0, len(drawn), _DRAWS_AT_ONCE) or [0]
        return np.concatenate(
            [self._means(drawn[k : k + _DRAWS_AT_ONCE], column) for k in blocks]
        )

    def _means(self, drawn: _Floats, column: str | None) -> _Floats:
        deciding = self.values.to_numpy(float)
        order = self.selection.order(deciding)
        of_runs = drawn[:, order]
        number = deciding.shape[1]
        share = self.selection.count(number) / number
        before = np.cumsum(of_runs, axis=2) - of_runs
        taken = np.clip(share - before, 0, of_runs)
        counts = taken > _LEAST
        values = deciding
        if column is not None:
            values = self.others[column].to_numpy(float)
            counts &= ~np.isnan(np.take_along_axis(values, order, axis=1))
        values = np.take_along_axis(values, order, axis=1)
        with np.errstate(invalid="ignore"):  # no weight times infinity, 0 / 0
            parts = np.where(counts, taken * values, 0.0)
            return parts.sum(axis=2) / np.where(counts, taken, 0.0).sum(axis=2)


def sweep(runs: pd.DataFrame, selection: Selection) -> Sweep:
    """Finds the optimal learning rate of runs that differ in rate and seed only.

    Args:
      runs: rows of `Results.runs` with a column `effective_learning_rate`; those whose
        `status` is neither "completed" nor "diverged" are missing.
      selection: which runs count.
    """
    ended = runs[runs["status"].isin(["completed", "diverged"])]
    number = runs["seed"].nunique()
    values = _by_rate(runs, ended[selection.column].fillna(selection.worst))
    columns = [c for c in runs if c.startswith("final_") and c != selection.column]
    others = {column: _by_rate(runs, ended[column]) for column in columns}
    diverged = _by_rate(runs, ended["status"] == "diverged")
    best = np.take_along_axis(
        values.to_numpy(), selection.order(values)[:, : selection.count(number)], 1
    )
    rates = pd.DataFrame(
        {
            "mean": best.mean(axis=1),
            "std": [_deviation(row) for row in best],
            "plain": values.mean(axis=1),
            "runs": values.notna().sum(axis=1),
            "diverged": diverged.sum(axis=1).astype(int),
        },
        index=values.index,
    )
    found = Sweep(values, rates, *_optimum(rates, selection), selection, others)
    equal = np.full((1, number), 1 / number)
    for column in columns:
        rates[column] = found.means(equal, column)[0]
    return found


def by_setting(
    runs: pd.DataFrame, columns: Sequence[str], selection: Selection
) -> dict[tuple, Sweep]:
    """Returns the sweep of each combination of values in some columns, in their order.

    Args:
      runs: as of `sweep`.
      columns: such as `momentum` and `batch_size`; none for a single sweep.
      selection: which runs count.
    """
    if not columns:
        return {(): sweep(runs, selection)}
    groups = runs.groupby(list(columns), sort=True, dropna=False)
    return {key: sweep(own, selection) for key, own in groups}


def _by_rate(runs: pd.DataFrame, values: pd.Series) -> pd.DataFrame:
    """Returns values of some runs: one row a rate, one column a seed, both rising."""
    table = runs.assign(value=values.astype(float))
    table = table.pivot(index="effective_learning_rate", columns="seed", values="value")
    return table.sort_index().sort_index(axis=1)


def _deviation(values: _Floats) -> float:
    """Returns the standard deviation (n - 1); infinite if a value is."""
    if len(values) < 2:
        return 0.0
    return float(values.std(ddof=1)) if np.isfinite(values).all() else math.inf


def _optimum(
    rates: pd.DataFrame, selection: Selection
) -> tuple[float, float, float, str]:
    """Returns the optimal rate, the ends of its error bar, and the edges it touches."""
    scores = selection.scores(rates["mean"])
    top = int(scores.argmax())
    if math.isnan(rates["mean"].iloc[top]):
        return math.nan, math.nan, math.nan, ""
    near = np.flatnonzero(scores >= scores[top] - rates["std"].iloc[top])
    lower, upper = near[0] == 0, near[-1] == len(scores) - 1
    edge = {(True, True): "both", (True, False): "lower", (False, True): "upper"}
    grid = rates.index.to_numpy(float)
    ends = float(grid[near[0]]), float(grid[near[-1]])
    return float(grid[top]), *ends, edge.get((bool(lower), bool(upper)), "")
