"""Draws figures 3 and 8 of Smith & Le (2017): small and full batches in training."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes

from bsgen.figures import style
from bsgen.studies import shown, study, tables

if TYPE_CHECKING:
    from bsgen.papers.smith_le_2017 import gap

_TITLES = ["test accuracy during training", "test cross-entropy during training"]
_COLORS = (style.BLUE, style.VERMILLION)
_MARKERS = "osD"  # one a criterion of convergence


def show(found: "gap.Comparison") -> shown.Shown:
    """Draws small against full batches; where there is lambda, without it dashed."""
    results = found.results
    drawn, grid = style.panels(_TITLES)
    left, right = grid[0]
    *without, gap = found.gaps
    size = gap.full.runs["train_size"].iloc[0]
    small = gap.small.runs["batch_size"].iloc[0]
    labels = f"small batch, B = {small}", f"full batch, B = N = {size}"
    for batches, color, label in zip(gap, _COLORS, labels, strict=True):
        accuracy, cross_entropy = _curves(results, batches)
        style.band(left, accuracy, color, label)
        _mark_convergence(left, batches, color)
        style.band(right, cross_entropy, color, label, logarithmic=True)
    accuracies = results.curves["test_accuracy"]
    style.accuracy_axis(left, accuracies.min(), accuracies.max())
    left.set_ylabel("test accuracy")
    right.set(yscale="log", ylabel="mean test cross-entropy (nats)")
    style.plain_numbers(right.yaxis, (1, 2, 5))
    for axes in (left, right):
        axes.set(xscale="log", xlabel="steps (parameter updates)")
        style.plain_numbers(axes.xaxis)
    for plain in without:
        _dashed(grid[0], results, plain)
    for share, marker in zip(gap.small.converged, _MARKERS, strict=True):
        words = f"{100 * share:g} % of the final accuracy"
        left.plot([], [], marker, color=style.GREY, mfc="white", label=words)
    for axes in (left, right):
        axes.legend(loc="best")
    return shown.Shown(drawn)


def _mark_convergence(axes: mpl_axes.Axes, batches: "gap.Batches", color: str) -> None:
    """Marks when each share of the final accuracy is reached, geometric means."""
    final = batches.values("final_test_accuracy").mean()
    steps = np.exp(np.log(batches.converged).mean())
    for (share, step), marker in zip(steps.items(), _MARKERS, strict=True):
        axes.plot(step, share * final, marker, color=color, mfc="white", zorder=4)


def _dashed(grid: np.ndarray, results: study.Results, plain: "gap.Gap") -> None:
    """Draws the means of the runs without regularisation."""
    for batches, color in zip(plain, _COLORS, strict=True):
        for axes, table, logarithmic in zip(
            grid, _curves(results, batches), (False, True), strict=True
        ):
            means = style.over_seeds(table, logarithmic)["value"]
            axes.plot(means.index, means, color=color, ls="--", lw=1, alpha=0.8)
    for axes in grid:
        axes.plot([], [], color=style.GREY, ls="--", lw=1, label="without $\\lambda$")


def _curves(
    results: study.Results, batches: "gap.Batches"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    accuracy, cross_entropy = (
        tables.curve_by_step(results, batches.runs, f"test_{metric}")
        for metric in ("accuracy", "cross_entropy")
    )
    return accuracy, cross_entropy
