"""Jastrzebski et al. (2018), figure 3: a grid of learning rates and batch sizes.

The width of the minimum, as largest eigenvalue and Frobenius norm of the Hessian, and
the accuracy, against the ratio of learning rate to batch size.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.papers.jastrzebski_2018 import grid_figure, presets
from bsgen.studies import budgets, claims, estimates, study, tasks

TASKS = {
    "quick": presets.on_digits(
        learning_rate=0.25, batch_size=40, budget=budgets.Epochs(80)
    ),
    "reduced": tasks.Task(
        dataclasses.replace(presets.FASHION_MNIST, train_size=10_000),
        presets.QUICK_MODEL,
        presets.sgd(0.1),
        batch_size=24,
        budget=budgets.Epochs(100),
        num_seeds=presets.NUM_SEEDS["reduced"],
    ),
    # The paper gives the ends of both ranges and the 200 epochs; the grid between, the
    # width of the network and the measured examples are our choice.
    "paper": tasks.Task(
        presets.FASHION_MNIST,
        presets.MLP,
        presets.sgd(0.1),
        batch_size=25,
        budget=budgets.Epochs(200),
        num_seeds=presets.NUM_SEEDS["paper"],
    ),
}
# Both rise by one factor, so that many of their ratios occur several times.
LEARNING_RATES = {
    "quick": (0.016, 0.04, 0.1, 0.25),
    "reduced": (0.0064, 0.016, 0.04, 0.1),
    "paper": (0.00625, 0.0125, 0.025, 0.05, 0.1),
}
BATCH_SIZES = {
    "quick": (16, 40, 100, 250),
    "reduced": (24, 60, 150, 375),
    "paper": (25, 50, 100, 200, 400, 800),
}
# Training examples that the Hessian is measured on.
MEASURED_EXAMPLES = {"quick": 1000, "reduced": 2000, "paper": 10_000}


class Grid(NamedTuple):
    """The trained networks.

    Attributes:
      trained: the runs that did not diverge, with their `ratio`.
      num_runs: all of them.
      num_seeds: of every setting.
      num_fitted: runs that fit at least 99 % of their training set.
    """

    trained: pd.DataFrame
    num_runs: int
    num_seeds: int
    num_fitted: int


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns every pair of learning rate and batch size, for each seed."""
    return [
        TASKS[scale].run(
            seed=seed,
            batch_size=batch_size,
            learning_rate=learning_rate,
            **measured(scale),
        )
        for learning_rate in LEARNING_RATES[scale]
        for batch_size in BATCH_SIZES[scale]
        for seed in TASKS[scale].seeds(num_seeds)
    ]


def measured(scale: str) -> dict[str, Any]:
    """Returns the settings of runs whose curvature is measured at their end."""
    return {
        "final_measures": ("max_eigenvalue", "hessian_frobenius_norm"),
        "measured_examples": MEASURED_EXAMPLES[scale],
    }


def analyse(results: study.Results) -> Grid:
    """Leaves out the runs that diverged, and adds the ratio to the others."""
    runs = results.runs
    trained = runs[runs["status"] == "completed"]
    ratios = trained["learning_rate"] / trained["batch_size"]
    # Rounded, as 0.04 / 100 and 0.1 / 250 differ in their last binary digit.
    trained = trained.assign(ratio=[float(f"{ratio:.4g}") for ratio in ratios])
    num_fitted = int((runs["final_train_accuracy"] >= 0.99).sum())
    return Grid(trained, len(runs), runs["seed"].nunique(), num_fitted)


def judge(grid: Grid) -> list[claims.Claim]:
    """A higher ratio goes with a wider minimum and a better accuracy."""
    note = (
        f"{grid.num_fitted} of {grid.num_runs} runs fit at least 99 % of their "
        "training set"
    )
    spread = note + "; 1 is what chance gives"
    correlation = "rank correlation with the ratio of learning rate to batch size"
    return [
        claims.below(
            "A higher ratio of learning rate to batch size gives a lower largest "
            "eigenvalue of the Hessian",
            f"{correlation}, largest eigenvalue",
            _correlation(grid.trained, "final_max_eigenvalue"),
            note,
        ),
        claims.below(
            "A higher ratio gives a lower Frobenius norm of the Hessian",
            f"{correlation}, Frobenius norm",
            _correlation(grid.trained, "final_hessian_frobenius_norm"),
            note,
        ),
        claims.above(
            "A higher ratio gives a better accuracy",
            f"{correlation}, final test accuracy",
            _correlation(grid.trained, "final_test_accuracy"),
            note,
        ),
        claims.below(
            "The same ratio gives the same width, whatever the batch size",
            "difference of log largest eigenvalue, pairs of equal ratio / of unequal",
            _spread_ratio(grid.trained, "final_max_eigenvalue", np.log),
            spread,
            bound=1,
        ),
        claims.below(
            "The accuracy is consistent as long as the ratio is constant",
            "difference of final test accuracy, pairs of equal ratio / of unequal",
            _spread_ratio(grid.trained, "final_test_accuracy", np.asarray),
            spread,
            bound=1,
        ),
    ]


def _correlation(trained: pd.DataFrame, column: str) -> estimates.Estimate:
    """Returns the mean over seeds of Spearman's rank correlation with the ratio."""
    from scipy import stats  # takes half a second

    correlations = [
        stats.spearmanr(rows["ratio"], rows[column]).statistic
        for _, rows in trained.groupby("seed")
    ]
    return estimates.median(correlations)


def _spread_ratio(
    trained: pd.DataFrame,
    column: str,
    transform: Callable[[np.ndarray], np.ndarray],
) -> estimates.Estimate:
    """Returns the mean difference at equal ratio over that at unequal ratios."""
    logs = []
    for _, rows in trained.groupby("seed"):
        values = transform(rows[column].to_numpy(float))
        ratios = rows["ratio"].to_numpy()
        first, second = np.triu_indices(len(rows), 1)
        differences = np.abs(values[first] - values[second])
        equal = ratios[first] == ratios[second]
        logs.append(np.log(differences[equal].mean() / differences[~equal].mean()))
    return estimates.geometric_mean(logs)


STUDY = study.Study(
    "jastrzebski_2018/fig3",
    "Curvature and accuracy against the ratio of learning rate to batch size",
    caption="(a) Largest eigenvalue and (b) Frobenius norm of the Hessian of the "
    "training loss, and (c) test accuracy, of trained networks against the ratio of "
    "learning rate to batch size, coloured by batch size: mean over seeds (in (a) and "
    "(b) of the logarithms) with its 95 % t interval, and each run as a dot. Runs of "
    "one ratio lie on one vertical line.",
    analyse=analyse,
    judge=judge,
    show=grid_figure.show,
    make_runs=runs,
    scales=("quick", "reduced", "paper"),
)
