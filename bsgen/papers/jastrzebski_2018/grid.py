"""Jastrzebski et al. (2018), figure 3: a grid of learning rates and batch sizes.

The width of the minimum, as largest eigenvalue and Frobenius norm of the Hessian, and
the accuracy, against the ratio of learning rate to batch size. Every setting is trained
twice: for equal epochs, as in the paper, and until its training loss is as low as that
of all others. After equal epochs E, the ratio is also how long a network has trained on
the clock of gradient descent, eta x steps = E N eta / S, so width would follow it
without any noise, through the loss alone. The paper's theory (eq. 7) compares minima of
equal loss, and its width is the trace of the Hessian.
"""

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.papers.jastrzebski_2018 import (
    grid_claims,
    grid_figure,
    grid_slopes,
    presets,
)
from bsgen.studies import budgets, study, tasks

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
# The training loss at which networks are compared, our choice: all but one in a
# thousand of the digits are fitted there ("almost 100 %" in the paper).
TRAIN_LOSSES = {"quick": 0.01, "reduced": 0.05, "paper": 0.05}
# eta x steps that are enough to get there, unless noise keeps the loss high; networks
# are first evaluated after an eighth of it, and then after every 4 % more.
_CLOCKS = {"quick": 40.0, "reduced": 400.0, "paper": 2000.0}
_FIRST, _MORE = 1 / 8, 1.04
_LEAST_ERROR = 1e-3  # of a network without an error in the test set

WIDTHS = {
    "largest eigenvalue": "final_max_eigenvalue",
    "Frobenius norm": "final_hessian_frobenius_norm",
    "trace": "final_hessian_trace",
}


class Grid(NamedTuple):
    """The trained networks that did not diverge, with their `ratio`.

    Attributes:
      ended: after equal epochs.
      fitted: at equal training loss.
      slopes: by quantity, after equal epochs.
      slopes_at_equal_loss: likewise.
      note: of the former.
      note_at_equal_loss: of the latter.
    """

    ended: pd.DataFrame
    fitted: pd.DataFrame
    slopes: dict[str, grid_slopes.Slopes]
    slopes_at_equal_loss: dict[str, grid_slopes.Slopes]
    note: str
    note_at_equal_loss: str


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns every pair of learning rate and batch size, twice for each seed."""
    for_epochs = [
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
    return for_epochs + [_until_loss(scale, run) for run in for_epochs]


def measured(scale: str) -> dict[str, Any]:
    """Returns the settings of runs whose curvature is measured at their end."""
    return {
        "final_measures": ("max_eigenvalue", "hessian_frobenius_norm"),
        "measured_examples": MEASURED_EXAMPLES[scale],
    }


def _until_loss(scale: str, run: config.RunConfig) -> config.RunConfig:
    """Returns a run that trains on until its training loss is that of all others."""
    enough = _CLOCKS[scale] / run.sgd.learning_rate
    first, last = enough * _FIRST, max(math.ceil(enough), run.num_steps)
    count = math.ceil(math.log(last / first) / math.log(_MORE)) + 1
    steps = np.unique(np.geomspace(first, last, count).round().astype(int))
    return dataclasses.replace(
        run,
        num_steps=last,
        evaluation_steps=tuple(steps.tolist()),
        final_measures=config.FINAL_MEASURES,
        stop_train_loss=TRAIN_LOSSES[scale],
    )


def analyse(results: study.Results) -> Grid:
    """Fits both slopes of every quantity, after equal epochs and at equal loss."""
    runs = results.runs
    for column in ("stop_train_loss", "final_hessian_trace"):
        if column not in runs:  # of a grid of which half is missing
            runs = runs.assign(**{column: np.nan})
    ratios = runs["learning_rate"] / runs["batch_size"]
    # Rounded, as 0.04 / 100 and 0.1 / 250 differ in their last binary digit.
    runs = runs.assign(ratio=[float(f"{ratio:.4g}") for ratio in ratios])
    completed = runs["status"] == "completed"
    stops = runs["stop_train_loss"]
    reached = completed & (runs["final_train_cross_entropy"] <= stops)
    ended, fitted = runs[completed & stops.isna()], runs[reached]
    well = int((ended["final_train_accuracy"] >= 0.99).sum())
    return Grid(
        ended,
        fitted,
        {name: _slopes(ended, name) for name in (*list(WIDTHS)[:2], "test error")},
        {
            name: _slopes(fitted, name, stops.max())
            for name in (*list(WIDTHS)[::-1], "test error")
        },
        f"after equal epochs; {well} of {stops.isna().sum()} runs fit at least 99 % of "
        "their training set",
        f"at a training loss of {stops.max():g}, which {reached.sum()} of "
        f"{stops.notna().sum()} runs reach",
    )


def _slopes(
    rows: pd.DataFrame, quantity: str, train_loss: float | None = None
) -> grid_slopes.Slopes:
    """Fits a width or the test error.

    Args:
      rows: runs.
      quantity: of `WIDTHS`, or "test error".
      train_loss: what the runs ended at or, as they are not evaluated after every
        step, a little below. A width is corrected in proportion to the loss.
    """
    if quantity == "test error":
        errors = 1 - rows["final_test_accuracy"].to_numpy(float)
        return grid_slopes.fit(rows, np.log(np.maximum(errors, _LEAST_ERROR)))
    widths = rows[WIDTHS[quantity]].to_numpy(float)
    if train_loss is not None:
        widths = widths * train_loss / rows["final_train_cross_entropy"].to_numpy(float)
    return grid_slopes.fit(rows, np.log(widths))


STUDY = study.Study(
    "jastrzebski_2018/fig3",
    "Curvature and accuracy against the ratio of learning rate to batch size",
    caption="After equal epochs, (a) largest eigenvalue and (b) Frobenius norm of the "
    "Hessian of the training loss, and (c) test accuracy, against the ratio of "
    "learning rate to batch size; (d) the eigenvalue against the training loss, which "
    "explains most of it; (e) the trace of the Hessian of networks at equal training "
    "loss. Coloured by batch size: mean over seeds (of logarithms, but in (c)) with "
    "its 95 % t interval, and each run as a dot. (f) The direction of the slopes on "
    "log eta and log S with its 95 % interval, filled after equal epochs, open at "
    "equal loss, beside those of the rules; in grey what counts as the ratio.",
    analyse=analyse,
    judge=grid_claims.judge,
    show=grid_figure.show,
    make_runs=runs,
    scales=("quick", "reduced", "paper"),
)
