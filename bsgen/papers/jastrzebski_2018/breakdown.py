"""Jastrzebski et al. (2018), figure 5: where the scaling by one factor breaks down.

Learning rate and batch size are both multiplied by beta, for two training set sizes.
"""

import numpy as np
import pandas as pd

from bsgen import config, statistics
from bsgen.papers.jastrzebski_2018 import learning_curves, presets
from bsgen.studies import budgets, claims, study, tasks

BEST = "best_test_accuracy"
_SIMILAR = 0.01  # "similar final performance", our reading


TASKS = {
    "quick": tasks.Task(
        presets.DIGITS,
        presets.QUICK_MODEL,
        presets.sgd(0.1),
        batch_size=10,
        budget=budgets.Epochs(30, num_evaluations=15),
        num_seeds=presets.NUM_SEEDS["quick"],
    ),
    # Learning rate and batch size are the paper's, the rest is our choice.
    "paper": tasks.Task(
        presets.CIFAR10,
        presets.VGG,
        presets.sgd(0.1),
        batch_size=50,
        budget=budgets.Epochs(200, num_evaluations=100),
        num_seeds=presets.NUM_SEEDS["paper"],
    ),
}
TRAIN_SIZES = {"quick": (250, 1000), "paper": (12_500, 50_000)}
BETAS = {"quick": (1, 2, 4, 8, 16, 25), "paper": (1, 2, 4, 8, 16, 32)}


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns every beta for both sizes and each seed."""
    task = TASKS[scale]
    return [
        task.run(
            seed=seed,
            batch_size=task.batch_size * beta,
            scaling="linear",
            train_size=train_size,
        )
        for train_size in TRAIN_SIZES[scale]
        for beta in BETAS[scale]
        for seed in task.seeds(num_seeds)
    ]


def by_size_and_beta(runs: pd.DataFrame) -> dict[int, dict[int, pd.DataFrame]]:
    """Returns the runs of each training set size by their beta, both rising."""
    smallest = runs["batch_size"].min()
    return {
        int(size): {
            round(batch_size / smallest): part
            for batch_size, part in rows.groupby("batch_size")
        }
        for size, rows in runs.groupby("train_size")
    }


def judge(results: study.Results) -> list[claims.Claim]:
    """One factor changes little up to a limit, which is lower for less data."""
    found = by_size_and_beta(results.runs)
    small, large = found
    second, last = list(found[large])[1], list(found[large])[-1]
    note = f"{statistics.t_interval_note(results.runs['seed'].nunique())}, paired"
    return [
        claims.between(
            f"Performance is similar up to a limit: beta = {second} as beta = 1",
            f"best test accuracy at N = {large}, beta = 1 minus beta = {second}",
            _loss(found[large], second),
            (-_SIMILAR, _SIMILAR),
            note + "; 'similar' read as within 0.01, our choice",
        ),
        *(
            claims.above(
                f"The scaling breaks down at large beta, with {size} examples",
                f"best test accuracy, beta = 1 minus beta = {last}",
                _loss(found[size], last),
                0,
                note,
            )
            for size in (large, small)
        ),
        claims.above(
            "The breakdown is magnified for the smaller data set",
            "mean distance of accuracy curves to that of beta = 1, "
            f"N = {small} / N = {large}",
            learning_curves.ratio(
                _mean_distance(results, found[small]),
                _mean_distance(results, found[large]),
            ),
            1,
            learning_curves.note(results.runs),
        ),
    ]


def _loss(by_beta: dict[int, pd.DataFrame], beta: int) -> statistics.Interval:
    first, other = (
        by_beta[b].sort_values("seed")[BEST].astype(float).fillna(presets.CHANCE)
        for b in (1, beta)
    )
    return statistics.mean_interval(first.to_numpy() - other.to_numpy())


def _mean_distance(
    results: study.Results, by_beta: dict[int, pd.DataFrame]
) -> np.ndarray:
    """Returns the mean over beta > 1 for each seed."""
    curves = {beta: learning_curves.of(results, rows) for beta, rows in by_beta.items()}
    return np.mean(
        [
            learning_curves.distances(curves[beta], curves[1])
            for beta in by_beta
            if beta > 1
        ],
        axis=0,
    )
