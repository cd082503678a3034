"""Draws figures 1 and 2 of Smith & Le (2017): accuracy and evidence by lambda."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes
from matplotlib import ticker

from bsgen.figures import style
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.smith_le_2017 import evidence

_TITLES = ["random labels", "informative labels"]
_REGULARISATION = "regularisation coefficient $\\lambda$"


def show_figure1(found: "evidence.Evidence") -> shown.Shown:
    """Draws training and test accuracy against lambda, for both tasks."""
    drawn, grid = style.panels(_TITLES)
    for axes, task in zip(grid[0], found, strict=True):
        _train_and_test(axes, task.train_accuracy, task.test_accuracy)
        axes.axhline(0.5, color=style.GREY, ls=":", lw=1, label="chance")
        axes.set(ylim=(0.43, 1.03), xscale="log", xlabel=_REGULARISATION)
        axes.set_ylabel("accuracy")
    grid[0, 0].legend(loc="center left")
    return shown.Shown(drawn)


def show_figure2(found: "evidence.Evidence") -> shown.Shown:
    """Draws cross-entropy (above) and log evidence ratio (below) against lambda.

    The axis of the ratio is linear from -1 to 1 nat and logarithmic beyond.
    Dotted lines at the minima of both run through both panels.
    """
    drawn, grid = style.panels(_TITLES, num_rows=2)
    for (above, below), task in zip(grid.T, found, strict=True):
        test, ratio = task.test_cross_entropy, task.log_evidence_ratio
        _train_and_test(above, task.train_cross_entropy, test)
        above.axhline(np.log(2), color=style.GREY, ls="--", lw=1, label="ln 2, a guess")
        above.set(xscale="log", ylabel="mean cross-entropy (nats)", ylim=(0, None))
        style.band(below, ratio, style.GREEN, "log evidence ratio")
        below.axhline(0, color=style.GREY, ls="--", lw=1)
        # So that the sign of a tenth of a nat can be seen beside 100 nats.
        below.set_yscale("symlog", linthresh=1)
        below.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
        below.set(xscale="log", xlabel=_REGULARISATION)
        below.set_ylabel("log evidence ratio $E$ (nats)")
        _mark_minimum(above, below, test, style.VERMILLION)
        _mark_minimum(below, above, ratio, style.GREEN)
    grid[0, 0].legend(loc="upper right")
    words, place = "above 0: against the model", (0.03, 0.34)
    grid[1, 0].annotate(words, place, xycoords="axes fraction")
    return shown.Shown(drawn)


def _train_and_test(
    axes: mpl_axes.Axes, train: pd.DataFrame, test: pd.DataFrame
) -> None:
    style.band(axes, train, style.BLUE, "training set")
    style.band(axes, test, style.VERMILLION, "test set")


def _mark_minimum(
    axes: mpl_axes.Axes, other: mpl_axes.Axes, table: pd.DataFrame, color: str
) -> None:
    means = table.mean(axis=1)
    axes.plot(means.idxmin(), means.min(), "o", color=color, ms=6)
    for panel in (axes, other):
        panel.axvline(means.idxmin(), color=color, ls=":", lw=1)
