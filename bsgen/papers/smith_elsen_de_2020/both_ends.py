"""Smith, Elsen & De (2020), figure 3: initial and final learning rate tuned apart.

The rate falls from eps_0 to eps_f in ten steps, each by gamma = (eps_0 / eps_f)^(1/10).
At every epoch budget a grid of both rates has one best pair for the test accuracy and
one for the training loss. Of one end there is a sweep, too: for each of its rates the
other end is tuned.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from bsgen import config
from bsgen.papers.smith_elsen_de_2020 import (
    both_ends_figure,
    budget_presets,
    epoch_budget_claims,
    epoch_budgets,
    epoch_budgets_figure,
    presets,
    unlimited_epochs,
)
from bsgen.papers.smith_elsen_de_2020.epoch_budgets import Budgets, Metric, Tuned
from bsgen.studies import best_runs, bootstrap, budgets, claims, study

_FIGURE_2 = "smith_elsen_de_2020/fig2"
_NUM_DECAYS = presets.SCHEDULE.num_decays


class Ends(NamedTuple):
    """Both ends of the schedule, each with the other one tuned to it.

    Attributes:
      initial: optimal rates of the first half.
      final: optimal rates after the last decay.
    """

    initial: Budgets
    final: Budgets


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns every budget, pair of rates that does not rise, and seed."""
    task = budget_presets.NETWORKS["with normalization"][scale]
    seeds = task.seeds(num_seeds or budget_presets.SEEDS_OF_BOTH[scale])
    found = []
    for epochs in budget_presets.EPOCHS_OF_BOTH[scale]:
        own = task.changed(budget=budgets.Epochs(epochs, rounds_down=True))
        for initial in budget_presets.INITIAL_RATES[scale]:
            for final in budget_presets.FINAL_RATES[scale]:
                if final > initial:
                    continue
                schedule = config.ConstantThenDecay(decay=decay(initial, final))
                rate = initial * (1 - task.optimizer.momentum)
                found += [
                    own.run(seed=seed, learning_rate=rate, schedule=schedule)
                    for seed in seeds
                ]
    return found


def decay(initial: float, final: float) -> float:
    """Returns gamma, by which every decay divides the rate."""
    return float((initial / final) ** (1 / _NUM_DECAYS))


def analyse(results: study.Results) -> Ends:
    """Finds both optimal rates of both ends, at every budget."""
    rows = _with_ends(results.runs)
    selection = budget_presets.SELECTION_OF_BOTH[budget_presets.of_dataset(rows)]
    test, train = unlimited_epochs.metrics(selection)
    return Ends(
        *(
            Budgets(end, tune(rows, test, end), tune(rows, train, end))
            for end in ("initial rate", "final rate")
        )
    )


def tune(rows: pd.DataFrame, metric: Metric, end: str) -> Tuned:
    """Finds the optimal rate of one end, at each of which the other end is tuned.

    Args:
      rows: runs with columns `num_epochs`, "initial rate" and "final rate".
      metric: what the rates are optimal for.
      end: one of the two.
    """
    (other,) = {"initial rate", "final rate"} - {end}
    sweeps = {}
    for epochs, of_budget in rows.groupby("num_epochs"):
        kept = []
        for _, own in of_budget.groupby(end):
            best = _sweep(own, other, metric.selection).best
            kept.append(own[own[other] == best])
        sweeps[float(epochs)] = _sweep(pd.concat(kept), end, metric.selection)
    return Tuned(metric, sweeps)


def judge(found: Ends) -> list[claims.Claim]:
    """What section 7.1 says of both ends; the claims of figure 2 are repeated."""
    (_, test, train), (_, test_final, train_final) = found
    repeated = (
        epoch_budget_claims.improves(test),
        epoch_budget_claims.stops_improving(test),
        epoch_budget_claims.falls_throughout(train),
    )
    name, other = test.metric.name, train.metric.name
    return [
        *(claims.repeats(claim, _FIGURE_2) for claim in repeated),
        epoch_budget_claims.rate_stays(test, what="initial rate"),
        epoch_budget_claims.rate_falls(test_final, what="final rate"),
        epoch_budget_claims.falls_more(
            train_final, train, what=("final rate", "initial rate")
        ),
        _wider(found),
        epoch_budget_claims.checked(
            claims.above(
                f"The optimal initial rate is higher for the {name} than for the "
                f"{other}",
                "ratio of the two, geometric mean over budgets",
                epoch_budgets.ratio(test, train),
                _higher(test, train),
                bound=1,
            ),
            test,
            train,
        ),
        epoch_budget_claims.checked(
            claims.below(
                f"The optimal final rate is lower for the {name} than for the {other}",
                "ratio of the two, geometric mean over budgets",
                epoch_budgets.ratio(test_final, train_final),
                _higher(test_final, train_final),
                bound=1,
            ),
            test_final,
            train_final,
        ),
    ]


def widths(tuned: Tuned, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns how wide the error bars are, octaves, mean over budgets, [draws].

    An error bar has every rate whose mean score lies within one standard deviation of
    the best one's.

    Args:
      tuned: of one end.
      weights: of the seeds, [draws, seeds] with rows that sum to 1.
    """
    found = []
    for sweep in tuned.sweeps.values():
        scores = tuned.metric.scores(sweep.values).to_numpy(float)
        means = weights @ scores.T
        best = means.argmax(axis=1)
        deviations = scores[best] - means.max(axis=1)[:, np.newaxis]
        number = weights.shape[1]
        variances = np.sum(weights * deviations**2, axis=1) * number / (number - 1)
        near = means >= (means.max(axis=1) - np.sqrt(variances))[:, np.newaxis]
        octaves = np.log2(sweep.values.index.to_numpy(float))
        last = len(octaves) - 1 - near[:, ::-1].argmax(axis=1)
        found.append(octaves[last] - octaves[near.argmax(axis=1)])
    return np.mean(found, axis=0)


def _with_ends(runs: pd.DataFrame) -> pd.DataFrame:
    rows = epoch_budgets.by_budget(runs)
    initial = rows["effective_learning_rate"]
    final = initial * rows["schedule"].map(_decay) ** -_NUM_DECAYS
    rounded = [float(f"{rate:.9g}") for rate in final]
    return rows.assign(**{"initial rate": initial, "final rate": rounded})


def _decay(schedule: str) -> float:
    """Returns gamma of a schedule in words."""
    parsed = config.parse_schedule(schedule)
    return getattr(parsed, "decay", 1.0)


def _sweep(
    rows: pd.DataFrame, end: str, selection: best_runs.Selection
) -> best_runs.Sweep:
    return best_runs.sweep(rows.assign(effective_learning_rate=rows[end]), selection)


def _wider(found: Ends) -> claims.Claim:
    """Judges that the final rate matters less: its error bars are wider."""
    initial, final = found.initial.test, found.final.test
    judged = claims.above(
        "The error bars of the optimal final rate are wider than those of the initial "
        f"rate, for the {initial.metric.name}",
        "final minus initial, octaves, mean over budgets",
        bootstrap.bootstrapped(
            lambda weights: widths(final, weights) - widths(initial, weights),
            initial.num_seeds,
        ),
        "every rate within one standard deviation of the best, of all runs",
    )
    cut = [f"{budget:g}" for budget, sweep in initial.sweeps.items() if sweep.edge]
    if cut:
        reason = "the error bar of the initial rate touches an end of its grid at "
        return claims.left_open(judged, f"{reason}{', '.join(cut)} epochs")
    return judged


def _higher(tuned: Tuned, over: Tuned) -> str:
    pairs = zip(tuned.sweeps.values(), over.sweeps.values(), strict=True)
    higher = [first.best > second.best for first, second in pairs]
    return f"higher at {sum(higher)} of {len(higher)} budgets"


STUDY = study.Study(
    "smith_elsen_de_2020/fig3",
    "Initial and final learning rate tuned apart, over a range of epoch budgets",
    caption="(a) Test accuracy at the pair of rates that maximises it, and (b) the "
    f"training loss at that which minimises it: {epoch_budgets_figure.REACHED}. (c) "
    "The optimal initial and final effective rates for the accuracy, (d) for the loss. "
    f"{epoch_budgets_figure.RATES}; for each rate of one end the other end is tuned. "
    "Pairs are chosen on the test set, as in the paper, which sees the optimal initial "
    "rate for the accuracy constant from 400 epochs on.",
    analyse=analyse,
    judge=judge,
    show=both_ends_figure.show,
    make_runs=runs,
    scales=budget_presets.SCALES,
    shows_parts=True,
)
