"""The best k of n runs at each learning rate, and the optimal rate.

Smith, Elsen & De (2020), arXiv 2006.15081, section 4: at each learning rate of a
logarithmic grid a model is trained n times; the best k runs count, so that no outlier
or failed run does. The optimal rate has the best mean of them, and its error bar is
every rate whose mean lies within one standard deviation of that. The paper takes 12 of
15, or 5 of 7.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from bsgen import errors


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which runs of a learning rate count, and by what.

    Attributes:
      keep: k, at least 1.
      of: n, at least k; fewer runs than n keep as many less.
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

    def best(self, values: np.ndarray) -> np.ndarray:
        """Returns the places of the runs that count, the best first.

        Args:
          values: [n'], of the runs of one rate; of equal ones the earlier is kept.
        """
        count = max(1, self.keep - max(0, self.of - len(values)))
        order = np.argsort(-values if self.higher_is_better else values, kind="stable")
        return order[:count]


class Sweep(NamedTuple):
    """The learning rates tried at one setting.

    Attributes:
      values: of the column that decides, one row an effective learning rate, rising,
        one column a seed; a diverged run has the worst value.
      rates: with the same rows: `mean` and `std` (n - 1) of the runs that count,
        `plain`, the mean of all, `runs`, `diverged`, and the mean of each other final
        metric over the runs that count.
      best: the optimal rate; of equal ones the smallest.
      low, high: its error bar.
      edge: which end of the grid the optimum or its error bar touches: "", "lower",
        "upper" or "both".
    """

    values: pd.DataFrame
    rates: pd.DataFrame
    best: float
    low: float
    high: float
    edge: str

    @property
    def optimum(self) -> pd.Series:
        """The row of `rates` of the optimal rate."""
        return self.rates.loc[self.best]


def sweep(runs: pd.DataFrame, selection: Selection) -> Sweep:
    """Finds the optimal learning rate of runs that differ in rate and seed only.

    Args:
      runs: rows of `Results.runs` with a column `effective_learning_rate`.
      selection: which runs count.
    """
    finals = [name for name in runs if name.startswith("final_")]
    column = selection.column
    rows, values = [], {}
    for rate, own in runs.sort_values("seed").groupby("effective_learning_rate"):
        found = own.set_index("seed")[column].astype(float).fillna(selection.worst)
        kept = selection.best(found.to_numpy())
        best = found.iloc[kept]
        others = own.iloc[kept][finals].astype(float).mean()
        values[rate] = found
        rows.append(
            {
                "effective_learning_rate": rate,
                **others.drop(column),
                "mean": best.mean(),
                "std": best.std(ddof=1) if len(best) > 1 else 0.0,
                "plain": found.mean(),
                "runs": len(own),
                "diverged": int((own["status"] == "diverged").sum()),
            }
        )
    rates = pd.DataFrame(rows).set_index("effective_learning_rate")
    sign = 1.0 if selection.higher_is_better else -1.0
    scores = sign * rates["mean"].to_numpy()
    top = int(scores.argmax())
    near = np.flatnonzero(scores >= scores[top] - rates["std"].iloc[top])
    lower, upper = near[0] == 0, near[-1] == len(scores) - 1
    edge = {(True, True): "both", (True, False): "lower", (False, True): "upper"}
    grid = rates.index.to_numpy(float)
    return Sweep(
        pd.DataFrame(values).T,
        rates,
        float(grid[top]),
        float(grid[near[0]]),
        float(grid[near[-1]]),
        edge.get((bool(lower), bool(upper)), ""),
    )


def by_setting(
    runs: pd.DataFrame, columns: Sequence[str], selection: Selection
) -> dict[tuple, Sweep]:
    """Returns the sweep of each combination of values in some columns, in their order.

    Args:
      runs: as of `sweep`.
      columns: such as `momentum` and `batch_size`.
      selection: which runs count.
    """
    groups = runs.groupby(list(columns), sort=True)
    return {tuple(np.atleast_1d(key)): sweep(own, selection) for key, own in groups}
