"""Smith, Elsen & De (2020), figure 2: a fixed batch size and a range of epoch budgets.

With and without normalisation, momentum 0.9. The rate that maximises the test accuracy
and the one that minimises the training loss are two answers from the same runs.
"""

import dataclasses
import math
from collections.abc import Sequence

from bsgen import config
from bsgen.papers.smith_elsen_de_2020 import (
    budget_presets,
    epoch_budget_claims,
    epoch_budgets,
    epoch_budgets_figure,
    grids,
    presets,
    unlimited_epochs_figure,
)
from bsgen.papers.smith_elsen_de_2020.epoch_budgets import Budgets, Metric
from bsgen.studies import best_runs, budgets, claims, study, tasks


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns every network, budget, learning rate and seed."""
    return [
        run
        for label, tasks_of in budget_presets.NETWORKS.items()
        for epochs in budget_presets.EPOCHS[scale]
        for run in _grid(
            tasks_of[scale], epochs, budget_presets.RATES[label][scale]
        ).runs(num_seeds)
    ]


def _grid(task: tasks.Task, epochs: int, rates: Sequence[float]) -> grids.Grid:
    task = task.changed(budget=budgets.Epochs(epochs, rounds_down=True))
    sizes, momenta = (task.batch_size,), (task.optimizer.momentum,)
    return grids.Grid(task, sizes, lambda batch_size, momentum: rates, momenta)


def metrics(selection: best_runs.Selection) -> tuple[Metric, Metric]:
    """Returns what the rates are optimal for: test accuracy and training loss."""
    of_train = dataclasses.replace(
        selection,
        column="final_train_cross_entropy",
        higher_is_better=False,
        worst=math.inf,
    )
    return Metric("test accuracy", selection), Metric("training loss", of_train)


def analyse(results: study.Results) -> list[Budgets]:
    """Finds both optimal rates at every budget, by network."""
    rows = results.runs
    scale = budget_presets.of_dataset(rows)
    test, train = metrics(presets.SELECTION[scale])
    normalization = rows.reindex(columns=["normalization"]).fillna("batch").squeeze(1)
    without = normalization == "none"
    return [
        Budgets(label, epoch_budgets.tune(own, test), epoch_budgets.tune(own, train))
        for label, own in zip(
            budget_presets.NETWORKS, (rows[~without], rows[without]), strict=True
        )
        if len(own)
    ]


def judge(found: list[Budgets]) -> list[claims.Claim]:
    """What section 7 says of each network, and of the optimal rates."""
    judged = []
    for each in found:
        of = f"{each.label.capitalize()}: "
        judged += [
            epoch_budget_claims.improves(each.test, of),
            epoch_budget_claims.stops_improving(each.test, of),
            epoch_budget_claims.falls_throughout(each.train, of),
            epoch_budget_claims.rate_stays(each.test, of),
            epoch_budget_claims.rate_falls(each.train, of),
            epoch_budget_claims.falls_more(each.train, each.test, of),
        ]
    return judged


STUDY = study.Study(
    "smith_elsen_de_2020/fig2",
    "A fixed batch size and a range of epoch budgets",
    caption="(a) Test accuracy at the rate that maximises it, and (b) training loss at "
    f"the rate that minimises it: {epoch_budgets_figure.REACHED}. (c, d) Both optimal "
    f"effective rates, with and without normalisation. {epoch_budgets_figure.RATES}. "
    "The paper: over 50 to 6400 epochs the rate for the accuracy falls by 2 with batch "
    "normalization and not at all without, that for the loss by 16 with it; the "
    "accuracy saturates after 800 epochs with it and falls from 400 on without. The "
    "rate is chosen on the test set, as in the paper. Factors over the whole range are "
    "those of power laws fitted to all budgets on each seed.",
    analyse=analyse,
    judge=judge,
    show=unlimited_epochs_figure.show,
    make_runs=runs,
    scales=budget_presets.SCALES,
    shows_parts=True,
)
