"""Draws figure 4 of Smith & Le (2017): training curves, and the accuracy they reach."""

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib import axes as mpl_axes
from matplotlib import colors

from bsgen.figures import style
from bsgen.papers.smith_le_2017 import accuracy_panel
from bsgen.studies import shown, study, tables

if TYPE_CHECKING:
    from bsgen.papers.smith_le_2017 import best_batch_size


def show(peak: "best_batch_size.Peak") -> shown.Shown:
    """Draws training curves by batch size, and the accuracy at their end."""
    titles = ["test accuracy during training", accuracy_panel.TITLE]
    drawn, grid = style.panels(titles)
    left, right = grid[0]
    _training_curves(left, peak.results)
    accuracy_panel.draw(right, [peak.sweep])
    value, lower, upper = peak.sweep.best.place.estimate().interval()
    right.axvspan(lower, upper, color=style.GREEN, alpha=0.15)
    label = f"$B_{{opt}}$ = {value:.0f} [{lower:.0f}, {upper:.0f}]"
    right.axvline(value, color=style.GREEN, ls="--", lw=1, label=label)
    right.legend(loc="lower right")
    return shown.Shown(drawn)


def _training_curves(axes: mpl_axes.Axes, results: study.Results) -> None:
    """Draws the mean over seeds for each batch size, coloured by it."""
    sizes = results.runs["batch_size"]
    norm = colors.LogNorm(sizes.min(), sizes.max())
    for size, rows in results.runs.groupby("batch_size"):
        table = tables.curve_by_step(results, rows, "test_accuracy")
        means = style.over_seeds(table)["value"]
        axes.plot(means.index, means, color=style.sequential(norm(size)))
    scale = colors.ListedColormap([style.sequential(p) for p in np.linspace(0, 1, 256)])
    bar = axes.figure.colorbar(
        mpl.cm.ScalarMappable(norm, scale), ax=axes, label="batch size $B$"
    )
    style.plain_numbers(bar.ax.yaxis)
    accuracies = results.curves["test_accuracy"]
    style.accuracy_axis(axes, accuracies.min(), accuracies.max())
    axes.set(xscale="log", xlabel="steps (parameter updates)", ylabel="test accuracy")
    style.plain_numbers(axes.xaxis)
