"""Jastrzebski et al. (2018), figure 1: equal ratios, constant and cyclic.

A cyclic batch size against a cyclic learning rate of the same ratio, and two constant
settings of one ratio.
"""

from typing import Any

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.papers.jastrzebski_2018 import learning_curves, presets
from bsgen.studies import budgets, claims, study, tasks

CYCLIC_BATCH, CYCLIC_RATE = "cyclic batch size", "cyclic learning rate"
SMALL, LARGE = "small batch", "large batch"


TASKS = {
    "quick": tasks.Task(
        presets.DIGITS,
        presets.QUICK_MODEL,
        presets.sgd(0.004),
        batch_size=20,
        budget=budgets.Epochs(20, num_evaluations=20),
        num_seeds=presets.NUM_SEEDS["quick"],
    ),
    # The paper gives learning rates and batch sizes; the epochs are our choice.
    "paper": tasks.Task(
        presets.CIFAR10,
        presets.VGG,
        presets.sgd(0.001),
        batch_size=128,
        budget=budgets.Epochs(100, num_evaluations=100),
        num_seeds=presets.NUM_SEEDS["paper"],
    ),
}
FACTOR = 5  # the larger learning rate and batch size over the smaller
# Epochs of a cycle, half of it at the high ratio, then half at the low; our choice.
PERIODS = {"quick": 4.0, "paper": 10.0}


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns the four settings, for each seed."""
    task = TASKS[scale]
    high, large = task.optimizer.learning_rate * FACTOR, task.batch_size * FACTOR
    rise = config.Cyclic((1.0, FACTOR), PERIODS[scale])
    fall = config.Cyclic((FACTOR, 1.0), PERIODS[scale])
    settings: list[dict[str, Any]] = [
        {"learning_rate": high, "batch_size_schedule": rise},
        {"schedule": fall},
        {},
        {"learning_rate": high, "batch_size": large},
    ]
    return [
        task.run(seed=seed, **setting)
        for seed in task.seeds(num_seeds)
        for setting in settings
    ]


def settings(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Returns the runs of each of the four settings by its name."""
    cyclic_batch = runs["batch_size_schedule"].notna()
    cyclic_rate = runs["schedule"].notna()
    constant = runs[~cyclic_batch & ~cyclic_rate]
    small = constant["batch_size"] == constant["batch_size"].min()
    return {
        CYCLIC_BATCH: runs[cyclic_batch],
        CYCLIC_RATE: runs[cyclic_rate],
        SMALL: constant[small],
        LARGE: constant[~small],
    }


def judge(results: study.Results) -> list[claims.Claim]:
    """Curves of equal ratio match better than curves of unequal ratio."""
    curves = {
        name: learning_curves.of(results, rows)
        for name, rows in settings(results.runs).items()
    }
    unequal = np.mean(
        [
            learning_curves.distances(curves[cyclic], curves[constant])
            for cyclic in (CYCLIC_BATCH, CYCLIC_RATE)
            for constant in (SMALL, LARGE)
        ],
        axis=0,
    )
    note = learning_curves.note(results.runs)
    return [
        claims.above(
            f"{claim} match: curves of unequal ratio lie further apart",
            "distance of accuracy curves, cyclic to constant settings / the pair",
            learning_curves.ratio(
                unequal, learning_curves.distances(curves[first], curves[second])
            ),
            1,
            note,
        )
        for claim, first, second in (
            ("Cyclic batch size and cyclic learning rate", CYCLIC_BATCH, CYCLIC_RATE),
            ("Constant settings of the same ratio", SMALL, LARGE),
        )
    ]
