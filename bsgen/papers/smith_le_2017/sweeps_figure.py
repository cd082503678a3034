"""Smith & Le (2017), figures 4 to 7: accuracy by batch size, and how its peak moves."""

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes
from matplotlib import colors, figure

from bsgen.figures import style
from bsgen.papers.smith_le_2017 import presets, sweeps
from bsgen.studies import curves, optimum, study

_ACCURACY = "test accuracy after training"


def draw_figure4(results: study.Results) -> figure.Figure:
    """Draws training curves by batch size, and the accuracy at their end."""
    drawn, grid = style.panels(["test accuracy during training", _ACCURACY])
    (sweep,) = sweeps.by_setting(results.runs, "learning_rate")
    _training_curves(grid[0, 0], results)
    _accuracy_panel(grid[0, 1], results.runs, "learning_rate", [sweep])
    best, interval = sweep.best, sweep.best.interval()
    grid[0, 1].axvspan(interval.lower, interval.upper, color=style.GREEN, alpha=0.15)
    ends = f"{interval.lower:.0f} to {interval.upper:.0f}"
    label = f"$B_{{opt}}$ = {best.batch_size} ({ends})"
    grid[0, 1].axvline(best.batch_size, color=style.GREEN, ls="--", lw=1, label=label)
    grid[0, 1].legend(loc="lower right")
    return drawn


def draw_figure5(results: study.Results) -> figure.Figure:
    """Draws accuracy by batch size and B_opt by learning rate."""
    swept = sweeps.by_setting(results.runs, "learning_rate")
    drawn, right = _two_panels(results, "learning_rate", "$\\epsilon$", swept)
    _scaling_panel(right, swept, sweeps.fitted(swept), lambda rate: rate)
    right.set_xscale("log")
    style.plain_numbers(right.xaxis, (1, 3))
    return drawn


def draw_figure6(results: study.Results) -> figure.Figure:
    """Draws accuracy by batch size and B_opt by training set size.

    Only the upper half of the sizes is fitted, as in the claim.
    """
    swept = sweeps.by_setting(results.runs, "train_size")
    drawn, right = _two_panels(results, "train_size", "$N$", swept)
    fitted = sweeps.fitted(sweeps.of_large_sets(swept))
    _scaling_panel(right, swept, fitted, lambda size: size)
    right.set_xscale("log")
    style.plain_numbers(right.xaxis, (1, 2, 5))
    return drawn


def draw_figure7(results: study.Results) -> figure.Figure:
    """Draws accuracy by batch size and B_opt by momentum, with its rule 1 / (1 - m)."""
    swept = sweeps.by_setting(results.runs, "momentum")
    drawn, right = _two_panels(results, "momentum", "$m$", swept)
    _scaling_panel(right, swept, sweeps.fitted(swept), lambda m: 1 / (1 - m))
    return drawn


def _two_panels(
    results: study.Results, column: str, symbol: str, swept: list[sweeps.Sweep]
) -> tuple[figure.Figure, mpl_axes.Axes]:
    """Returns a figure with the accuracies drawn, and its panel for the optima."""
    name = {"train_size": "training set size"}.get(column, column.replace("_", " "))
    drawn, grid = style.panels([_ACCURACY, f"optimum batch size by {name}"])
    left, right = grid[0]
    _accuracy_panel(left, results.runs, column, swept)
    left.legend(title=f"{name} {symbol}", loc="best")
    right.set_xlabel(f"{name} {symbol}")
    return drawn, right


def _training_curves(axes: mpl_axes.Axes, results: study.Results) -> None:
    """Draws the mean over seeds for each batch size, coloured by it."""
    sizes = results.runs["batch_size"]
    norm = colors.LogNorm(sizes.min(), sizes.max())
    for size, rows in results.runs.groupby("batch_size"):
        table = curves.by_step(results, rows, "test_accuracy")
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


def _accuracy_panel(
    axes: mpl_axes.Axes, runs: pd.DataFrame, column: str, swept: list[sweeps.Sweep]
) -> None:
    """Draws mean accuracy by batch size for each setting; a ring marks the best one.

    A cross marks batch sizes at which a run diverged; it counts with the accuracy of
    chance there.
    """
    for color, sweep in zip(_colors(swept), swept, strict=True):
        found = style.over_seeds(sweep.accuracies)
        ends = found["value"] - found["lower"], found["upper"] - found["value"]
        label = f"{sweep.setting:g}" if len(swept) > 1 else "mean over seeds"
        axes.errorbar(
            found.index,
            found["value"],
            ends,
            fmt="o-",
            color=color,
            label=label,
            elinewidth=0.8,
        )
        best = sweep.best
        axes.plot(best.batch_size, best.accuracy, "o", ms=10, mfc="none", mec=color)
        rows = runs[(runs[column] == sweep.setting) & (runs["status"] == "diverged")]
        lost = found.loc[sorted(set(rows["batch_size"]))]
        axes.plot(lost.index, lost["value"], "x", color="black", ms=8, zorder=4)
    values = np.concatenate([sweep.accuracies.to_numpy().ravel() for sweep in swept])
    style.accuracy_axis(axes, min(values.min(), presets.CHANCE), values.max())
    axes.set(xscale="log", xlabel="batch size $B$", ylabel="test accuracy")
    style.plain_numbers(axes.xaxis)


def _scaling_panel(
    axes: mpl_axes.Axes,
    swept: list[sweeps.Sweep],
    fitted: list[sweeps.Sweep],
    rule: Callable[[Any], Any],
) -> None:
    """Draws the optimum of each setting, and B_opt ~ rule(setting) through the fitted.

    The constant of the rule is the geometric mean of B_opt / rule over the fitted
    settings; the others are hollow.
    """
    used = {sweep.setting for sweep in fitted}
    if fitted:
        _predicted(axes, swept, fitted, rule)
    for color, sweep in zip(_colors(swept), swept, strict=True):
        best, interval, x = sweep.best, sweep.best.interval(), sweep.setting
        axes.vlines(x, best.lower, best.upper, color=color, lw=6, alpha=0.25)
        axes.plot([x, x], [interval.lower, interval.upper], "_-", color=color, lw=1)
        inside = color if x in used else "white"
        axes.plot(x, best.batch_size, "o", color=color, mfc=inside, ms=6)
    axes.plot([], [], color=style.GREY, lw=6, alpha=0.4, label="next sizes tried")
    axes.plot([], [], "_-", color=style.GREY, lw=1, label="95 % bootstrap")
    if len(used) < len(swept):
        axes.plot([], [], "o", color=style.GREY, mfc="white", label="not fitted")
    axes.set(yscale="log", ylabel="optimum batch size $B_{opt}$")
    axes.margins(y=0.3)  # room for the legend
    style.plain_numbers(axes.yaxis, (1, 2, 5))
    axes.legend(loc="best")


def _predicted(
    axes: mpl_axes.Axes,
    swept: list[sweeps.Sweep],
    fitted: list[sweeps.Sweep],
    rule: Callable[[Any], Any],
) -> None:
    scaled = [rule(sweep.setting) for sweep in fitted]
    optima = [sweep.best for sweep in fitted]
    sizes = np.array([best.batch_size for best in optima])
    constant = np.exp(np.log(sizes / scaled).mean())
    x = np.linspace(swept[0].setting, swept[-1].setting, 200)
    found = optimum.exponent(scaled, optima)
    axes.plot(x, constant * rule(x), color=style.GREEN, label="predicted: exponent 1")
    if np.isfinite(found.value):
        text = f"fitted: {found.value:.2f} ({found.lower:.2f} to {found.upper:.2f})"
        axes.plot([], [], " ", label=text)


def _colors(swept: list[sweeps.Sweep]) -> list[tuple[float, ...]]:
    if len(swept) == 1:
        return [mpl.colors.to_rgba(style.BLUE)]
    return [style.sequential(p) for p in np.linspace(0, 1, len(swept))]
