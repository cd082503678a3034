"""Smith & Le (2017), figures 1 and 2: accuracy and evidence against lambda."""

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes
from matplotlib import figure

from bsgen.figures import style
from bsgen.papers.smith_le_2017 import evidence
from bsgen.studies import study

_TASKS = {"random labels": evidence.RANDOM, "informative labels": evidence.INFORMATIVE}
_REGULARISATION = "regularisation coefficient $\\lambda$"


def draw_figure1(results: study.Results) -> figure.Figure:
    """Draws training and test accuracy against lambda, for both tasks."""
    drawn, grid = style.panels(list(_TASKS))
    for axes, task in zip(grid[0], _TASKS.values(), strict=True):
        _train_and_test(axes, results.runs, task, "accuracy")
        axes.axhline(0.5, color=style.GREY, ls=":", lw=1, label="chance")
        axes.set(ylim=(0.43, 1.03), xscale="log", xlabel=_REGULARISATION)
        axes.set_ylabel("accuracy")
    grid[0, 0].legend(loc="center left")
    return drawn


def draw_figure2(results: study.Results) -> figure.Figure:
    """Draws cross-entropy (above) and log evidence ratio (below) against lambda.

    Dotted lines at the minima of both run through both panels.
    """
    drawn, grid = style.panels(list(_TASKS), num_rows=2)
    for (above, below), task in zip(grid.T, _TASKS.values(), strict=True):
        test = _train_and_test(above, results.runs, task, "cross_entropy")
        above.axhline(np.log(2), color=style.GREY, ls="--", lw=1, label="ln 2, a guess")
        above.set(xscale="log", ylabel="mean cross-entropy (nats)", ylim=(0, None))
        column = "final_log_evidence_ratio"
        ratio = evidence.by_regularisation(results.runs, task, column)
        style.band(below, ratio, style.GREEN, "log evidence ratio")
        below.axhline(0, color=style.GREY, ls="--", lw=1)
        below.set(xscale="log", xlabel=_REGULARISATION)
        below.set_ylabel("log evidence ratio $E$ (nats)")
        _mark_minimum(above, below, test, style.VERMILLION)
        _mark_minimum(below, above, ratio, style.GREEN)
    grid[0, 0].legend(loc="upper right")
    words, place = "above 0: against the model", (0.84, 0.88)
    grid[1, 0].annotate(words, place, xycoords="axes fraction", ha="right")
    return drawn


def _train_and_test(
    axes: mpl_axes.Axes, runs: pd.DataFrame, task: str, metric: str
) -> pd.DataFrame:
    train = evidence.by_regularisation(runs, task, f"final_train_{metric}")
    test = evidence.by_regularisation(runs, task, f"final_test_{metric}")
    style.band(axes, train, style.BLUE, "training set")
    style.band(axes, test, style.VERMILLION, "test set")
    return test


def _mark_minimum(
    axes: mpl_axes.Axes, other: mpl_axes.Axes, table: pd.DataFrame, color: str
) -> None:
    means = table.mean(axis=1)
    axes.plot(means.idxmin(), means.min(), "o", color=color, ms=6)
    for panel in (axes, other):
        panel.axvline(means.idxmin(), color=color, ls=":", lw=1)
