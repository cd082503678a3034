"""The optimal learning rates of a figure, by momentum and batch size.

Smith, Elsen & De (2020), section 4. Figures under a constant epoch budget and tables
under a constant step budget are made of them.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from bsgen.papers.smith_elsen_de_2020 import grids
from bsgen.studies import (
    best_rate,
    best_runs,
    bootstrap,
    estimates,
    optimum_words,
    study,
)

# By momentum and, in it, by batch size, both rising.
Optima = Mapping[float, Mapping[int, best_runs.Sweep]]


@dataclasses.dataclass(frozen=True)
class Metrics:
    """What is looked at, in words, and where it stands.

    Attributes:
      test: the metric by which the rate is chosen.
      training: what is reported beside it, and its column in `Results.runs`.
    """

    test: str = "test accuracy"
    training: str = "final training loss"
    column: str = "final_train_cross_entropy"


ACCURACY = Metrics()


@dataclasses.dataclass(frozen=True)
class Setting:
    """What a figure trains at one scale.

    Attributes:
      grid: batch sizes, momenta and learning rates.
      selection: which runs count.
      last: of each momentum, the batch size beyond which the paper (at other scales a
        pilot on validation data) sees the test metric get worse; the largest one if
        the paper sees it nowhere.
      margin: a difference of the test metric that counts as none.
    """

    grid: grids.Grid
    selection: best_runs.Selection
    last: Mapping[float, int]
    margin: float = 0.005


class Row(NamedTuple):
    """A batch size of a table of the paper; NaN: not in the paper.

    Attributes:
      batch_size: B.
      test, test_error: the test metric at the optimal rate, and its deviation.
      training, training_error: what is reported beside it.
      rate, low, high: the optimal effective rate with its error bar.
      momentum: m.
    """

    batch_size: int
    test: float
    test_error: float
    training: float
    training_error: float
    rate: float
    low: float
    high: float
    momentum: float = 0.9


def setting_of(runs: pd.DataFrame, settings: Mapping[str, Setting]) -> Setting:
    """Returns the setting, of those of all scales, that runs were made at.

    Args:
      runs: rows of `Results.runs`, all of one scale.
      settings: by scale.

    Raises:
      ValueError: they are of none of them.
    """
    of_runs = runs.iloc[0]
    for setting in settings.values():
        task = setting.grid.task
        same = {
            "dataset": task.data.name,
            "train_size": task.data.train_size,
            "model": task.model.name,
        }
        if all(of_runs[column] == value for column, value in same.items()):
            return setting
    raise ValueError("the runs are of no scale of this study")


def find(results: study.Results, selection: best_runs.Selection) -> Optima:
    """Returns the sweep of each momentum and batch size."""
    runs = grids.effective(results.runs)
    found: dict[float, dict[int, best_runs.Sweep]] = {}
    by_setting = best_runs.by_setting(runs, ["momentum", "batch_size"], selection)
    for (momentum, size), sweep in by_setting.items():
        found.setdefault(float(momentum), {})[int(size)] = sweep
    return found


def mean_gain(
    pairs: Sequence[tuple[best_runs.Sweep, best_runs.Sweep]],
) -> estimates.Estimate:
    """Estimates the mean of the first optima less the second ones, paired by seed.

    Args:
      pairs: sweeps with the same seeds, one pair or more.
    """

    def mean(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        gains = [
            best_rate.at_optimum(first, weights) - best_rate.at_optimum(second, weights)
            for first, second in pairs
        ]
        return np.mean(gains, axis=0)

    return bootstrap.debiased(mean, len(pairs[0][0].values.columns))


def table(
    found: Optima, metrics: Metrics, of_paper: Sequence[Row] = ()
) -> pd.DataFrame:
    """Lists the optima as the paper's tables do, and the paper's below them.

    Returns:
      One row a momentum and batch size, with the texts of `optimum_words.row` and the
      training metric. The columns "of", ours or the paper's, and "m" are there if rows
      differ in them.
    """
    lines = [
        {
            "of": "ours",
            "m": momentum,
            "B": size,
            metrics.test: "",  # so that the two metrics stand side by side
            metrics.training: _training(sweep, metrics.column),
            **optimum_words.row(sweep, metrics.test),
        }
        for momentum, sweeps in found.items()
        for size, sweep in sweeps.items()
    ]
    lines += [
        {
            "of": "paper",
            "m": row.momentum,
            "B": row.batch_size,
            metrics.test: _as_printed(row.test, row.test_error),
            metrics.training: _as_printed(row.training, row.training_error),
            optimum_words.RATE: optimum_words.rate_in_words(
                row.rate, row.low, row.high
            ),
        }
        for row in of_paper
    ]
    rows = pd.DataFrame(lines).fillna("")
    same = [name for name in ("of", "m") if rows[name].nunique() == 1]
    return rows.drop(columns=same)


def _training(sweep: best_runs.Sweep, column: str) -> str:
    """Returns another metric of the runs that count, with its deviation over them."""
    values = sweep.values.loc[sweep.best]
    kept = sweep.selection.order(values)[: sweep.selection.count(len(values))]
    training = sweep.others[column].loc[sweep.best].iloc[kept]
    deviation = training.std(ddof=1) if len(kept) > 1 else 0.0
    return optimum_words.with_deviation(training.mean(), deviation)


def _as_printed(value: float, error: float) -> str:
    """Returns a number of the paper and its error, both with the digits of the longer.

    A zero at the end is no digit of a number here, but it is one in print.
    """
    if np.isnan(error):
        return f"{value:g}"
    decimals = max(len(f"{x:f}".rstrip("0").partition(".")[2]) for x in (value, error))
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"
