"""Sweeps of the batch size, shared by figures 4 to 7 of Smith & Le (2017)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from bsgen import config
from bsgen.papers.smith_le_2017 import presets
from bsgen.studies import optimum, study, tables

# A setting takes part in a scaling fit if it reaches this share of the highest
# accuracy; our choice, so that settings at which nothing trains do not.
_TRAINS = 0.9
# Largest num_steps x batch_size of a run: batch sizes are cut above it, never below,
# and in the same way for all.
_MAX_EXAMPLES = {"quick": 200_000, "paper": 41_000_000}


class Sweep(NamedTuple):
    """The batch sizes tried at one setting.

    Attributes:
      setting: the learning rate, training set size or momentum.
      accuracies: final test accuracy, one row a batch size, one column a seed.
      best: the optimum batch size.
      breakdown: the batch size below which training breaks down.
      diverged: batch sizes at which a run diverged; it counts with the accuracy of
        chance.
      missing: batch sizes that are not tried yet.
    """

    setting: float
    accuracies: pd.DataFrame
    best: optimum.Optimum
    breakdown: optimum.Place
    diverged: list[int]
    missing: list[int]


def by_setting(results: study.Results, column: str) -> list[Sweep]:
    """Splits a study's runs into its sweeps, by rising value of `column`."""
    sweeps = []
    missing = results.missing.reindex(columns=[column, "batch_size"])
    for setting, rows in results.runs.groupby(column):
        accuracies = tables.accuracies(rows, presets.CHANCE)
        lost = rows.loc[rows["status"] == "diverged", "batch_size"]
        best = optimum.find(accuracies)
        breakdown = optimum.breakdown(accuracies, presets.CHANCE)
        open_sizes = missing.loc[missing[column] == setting, "batch_size"]
        sizes = sorted(set(lost)), sorted(set(open_sizes))
        sweeps.append(Sweep(setting, accuracies, best, breakdown, *sizes))
    return sweeps


def fitted(sweeps: list[Sweep]) -> list[Sweep]:
    """Returns the sweeps that a scaling fit uses.

    Left out are optima at an edge of their grid, as the true one may lie outside, and
    settings at which even the best batch size trains badly. Of an unfinished sweep the
    batch sizes that are there count.
    """
    highest = max(sweep.best.accuracy for sweep in sweeps)
    return [
        sweep
        for sweep in sweeps
        if not sweep.best.at_edge and sweep.best.accuracy >= _TRAINS * highest
    ]


def runs(
    scale: str,
    num_seeds: int | None,
    num_steps: int | None = None,
    between: Sequence[int] = (),
    **setting: Any,
) -> list[config.RunConfig]:
    """Returns the sweep at one setting, up to the largest batch that the budget allows.

    Args:
      scale: of the study.
      num_seeds: repeats; None for the task's own number.
      num_steps: at learning rate 1; None for the task's own number.
      between: batch sizes between powers of two that are tried, too.
      **setting: a change of `presets.task`, e.g. `momentum=0.5`.
    """
    task = presets.task(scale, setting.get("learning_rate", 1.0), num_steps)
    train_size = setting.get("train_size", presets.TRAIN_SIZE)
    largest = _MAX_EXAMPLES[scale] / task.run(seed=0).num_steps
    return [
        task.run(seed=seed, batch_size=batch_size, **setting)
        for batch_size in presets.batch_sizes(train_size, between)
        if batch_size <= largest
        for seed in task.seeds(num_seeds)
    ]
