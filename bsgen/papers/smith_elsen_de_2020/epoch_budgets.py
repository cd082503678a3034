"""A range of epoch budgets at one batch size: two optimal rates from one sweep.

Smith, Elsen & De (2020), section 7 and appendix E: at every budget a grid of learning
rates has one rate that is optimal on the test set and another one for the training set.
Figures 2, 9 and 10 differ in the network and in what is measured alone, so that all of
them are made from this module, `epoch_budget_claims` and `epoch_budgets_figure`:

    test = Metric("test perplexity", Selection(5, 7, "final_test_perplexity", False,
                                               worst=math.inf))
    found = Budgets("LSTM", tune(runs, test), tune(runs, train))  # rows of Results.runs
    claims = [epoch_budget_claims.improves(found.test), ...]      # what the paper says
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from bsgen.papers.smith_elsen_de_2020 import grids
from bsgen.studies import best_runs, estimates, optimum

_TRIED = "learning rates"
_SMALLEST = 1e-12  # of a loss, as it is compared on a logarithmic axis


@dataclasses.dataclass(frozen=True)
class Metric:
    """What a learning rate is optimal for.

    Attributes:
      name: in words, such as "test accuracy".
      selection: the final metric, which way it is better, and which runs count.
    """

    name: str
    selection: best_runs.Selection

    def scores(self, values: pd.DataFrame) -> pd.DataFrame:
        """Returns finite scores, the higher the better.

        Args:
          values: of the metric. What is better when lower, such as a loss, is positive:
            its score is minus the logarithm. An infinite one counts as the worst of the
            finite ones.
        """
        if self.selection.higher_is_better:
            return values
        finite = values.where(np.isfinite(values))
        worst = finite.max(axis=None)
        return -np.log(finite.fillna(worst).clip(lower=_SMALLEST))

    def spread(self, sweep: best_runs.Sweep) -> float:
        """Returns the standard deviation of scores of the best runs at the optimum."""
        best, of_logarithm = sweep.optimum, not self.selection.higher_is_better
        return float(best["std"] / best["mean"] if of_logarithm else best["std"])


class Tuned(NamedTuple):
    """The learning rates tried at each epoch budget, and the optimal ones.

    Attributes:
      metric: what they are optimal for.
      sweeps: by epoch budget, rising.
    """

    metric: Metric
    sweeps: dict[float, best_runs.Sweep]

    @property
    def budgets(self) -> list[float]:
        """The epoch budgets, rising."""
        return list(self.sweeps)

    def rate(self, budget: float) -> optimum.Place:
        """Returns where the optimal rate of a budget lies, on each seed."""
        return optimum.place(self.metric.scores(self.sweeps[budget].values))

    def rates(self) -> list[optimum.Place]:
        """Returns where the optimal rates lie, one a budget."""
        return [self.rate(budget) for budget in self.sweeps]

    def scores(self) -> pd.DataFrame:
        """Returns the scores at the optimal rates, a row a budget, a column a seed.

        Of all runs there, not of the best ones alone, which would flatter them.
        """
        found = {
            budget: self.metric.scores(sweep.values).loc[sweep.best]
            for budget, sweep in self.sweeps.items()
        }
        return pd.DataFrame(found).T

    def at_edge(self) -> list[float]:
        """Returns the budgets whose optimal rate is the first or last one tried.

        The true optimum may lie outside of the grid there. The error bars of a sweep
        may touch its ends for a better reason: that the rate hardly matters.
        """
        return [
            budget
            for budget, sweep in self.sweeps.items()
            if sweep.best in (sweep.values.index[0], sweep.values.index[-1])
        ]


class Budgets(NamedTuple):
    """One network and batch size, over a range of epoch budgets.

    Attributes:
      label: of the network, in words.
      test: optimal rates on the test set.
      train: those for the training set, of the same runs.
    """

    label: str
    test: Tuned
    train: Tuned


def tune(runs: pd.DataFrame, metric: Metric) -> Tuned:
    """Finds the optimal learning rate at each epoch budget.

    Args:
      runs: rows of `Results.runs` that differ in budget, learning rate and seed only.
      metric: what the rates are optimal for.
    """
    sweeps = best_runs.by_setting(by_budget(runs), ["num_epochs"], metric.selection)
    return Tuned(metric, {float(epochs): sweep for (epochs,), sweep in sweeps.items()})


def by_budget(runs: pd.DataFrame) -> pd.DataFrame:
    """Returns runs with effective rates and epochs, which whole steps may round."""
    rows = grids.effective(runs)
    return rows.assign(num_epochs=[float(f"{e:.4g}") for e in rows["num_epochs"]])


def change(
    budgets: Sequence[float], places: Sequence[optimum.Place]
) -> estimates.Estimate:
    """Estimates the factor by which a rate changes from the first budget to the last.

    It is that of a power law, fitted to all budgets.

    Args:
      budgets: rising.
      places: of the rate at each of them, of the same seeds.
    """
    if len(budgets) < 2:
        return estimates.geometric_mean([])
    # So that the range is one unit of the logarithms, and the exponent their change.
    span = math.log(budgets[-1] / budgets[0])
    units = [budget ** (1 / span) for budget in budgets]
    return estimates.exponential(optimum.exponent(units, places, _TRIED))


def ratio(place: optimum.Place, other: optimum.Place) -> optimum.Place:
    """Returns the ratio of two optimal rates, on each seed."""
    error = math.hypot(place.spacing_error, other.spacing_error)
    return optimum.Place(place.logs - other.logs, error)


def mean(places: Sequence[optimum.Place]) -> estimates.Estimate:
    """Estimates the geometric mean of rates, or of their ratios, over budgets."""
    logs = np.mean([place.logs for place in places], axis=0)
    error = np.linalg.norm([place.spacing_error for place in places]) / len(places)
    return optimum.Place(logs, float(error)).estimate(_TRIED)
