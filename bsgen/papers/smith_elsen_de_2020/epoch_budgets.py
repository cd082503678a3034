"""A range of epoch budgets at one batch size: two optimal rates from one sweep.

Smith, Elsen & De (2020), section 7 and appendix E: at every budget a grid of learning
rates has one rate that is optimal on the test set and another one for the training set.
Figures 2, 9 and 10 differ in the network and in what is measured alone, so that all of
them are made from this module, `epoch_budget_claims` and `epoch_budgets_figure`:

    test = Metric("test perplexity", Selection(5, 7, "final_test_perplexity", False,
                                               worst=math.inf))
    found = Budgets("LSTM", tune(runs, test), tune(runs, train))  # rows of Results.runs
    claims = [epoch_budget_claims.improves(found.test), ...]      # those of the paper
"""

import dataclasses
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from bsgen.papers.smith_elsen_de_2020 import grids
from bsgen.studies import best_runs, bootstrap, estimates, optimum

_Floats = npt.NDArray[np.float64]
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

    def log_rates(self, weights: _Floats) -> _Floats:
        """Returns the natural logarithms of the optimal rates, [draws, budgets].

        Each is the top of a parabola through the highest mean score and its neighbours;
        at the end of a grid it is that end.

        Args:
          weights: of the seeds, [draws, seeds] with rows that sum to 1.
        """
        found = []
        for sweep in self.sweeps.values():
            means = weights @ self.metric.scores(sweep.values).to_numpy(float).T
            found.append(optimum.tops(_logs(sweep), means))
        return np.stack(found, axis=1)

    def spacing_errors(self) -> _Floats:
        """Returns the errors of `log_rates` by the spacing of the grids, [budgets]."""
        return np.array(
            [
                optimum.spacing_error(
                    _logs(sweep), sweep.values.index.get_loc(sweep.best)
                )
                for sweep in self.sweeps.values()
            ]
        )

    @property
    def num_seeds(self) -> int:
        """The number of seeds of every rate."""
        return min(sweep.values.shape[1] for sweep in self.sweeps.values())

    def rates(self) -> list[estimates.Estimate]:
        """Estimates the optimal rate of each budget."""
        return [_estimate(part, self) for part in np.eye(len(self.sweeps))]

    def scores(self) -> pd.DataFrame:
        """Returns the scores at the optimal rates, a row a budget, a column a seed.

        Of all runs there, not of the best ones alone, which would flatter them. So the
        rate is the best by all runs, as in `log_rates`, too: the best of several may
        leave out just those that broke down at theirs.
        """
        found = {}
        for budget, sweep in self.sweeps.items():
            scores = self.metric.scores(sweep.values)
            found[budget] = scores.loc[scores.mean(axis=1).idxmax()]
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


def change(tuned: Tuned, over: Tuned | None = None) -> estimates.Estimate:
    """Estimates the factor by which a rate changes from the first budget to the last.

    It is that of a power law, fitted to all budgets.

    Args:
      tuned: of the rate.
      over: of another one from the same runs; its factor divides that of the first.
    """
    logs = np.log(tuned.budgets)
    centred = logs - logs.mean()
    spread = (centred**2).sum()
    if not spread:
        return estimates.geometric_mean([])
    return _estimate(centred * np.ptp(logs) / spread, tuned, over)


def ratio(tuned: Tuned, over: Tuned) -> estimates.Estimate:
    """Estimates the geometric mean over budgets of the ratio of two optimal rates."""
    number = len(tuned.budgets)
    return _estimate(np.full(number, 1 / number), tuned, over)


def _estimate(
    factors: _Floats, tuned: Tuned, over: Tuned | None = None
) -> estimates.Estimate:
    """Estimates the exponential of a sum over budgets, factors x log rates.

    Its interval is for the draw of the seeds and for the spacing of the rates.
    """
    parts = [tuned] if over is None else [tuned, over]

    def estimator(weights: _Floats) -> _Floats:
        logs = [part.log_rates(weights) for part in parts]
        return (logs[0] - sum(logs[1:])) @ factors

    errors = [factors * part.spacing_errors() for part in parts]
    of_seeds = bootstrap.bootstrapped(estimator, tuned.num_seeds)
    error = float(np.linalg.norm(errors))
    return estimates.exponential(optimum.widened(of_seeds, error, "learning rates"))


def _logs(sweep: best_runs.Sweep) -> _Floats:
    return np.log(sweep.values.index.to_numpy(float))
