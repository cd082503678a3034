"""Jastrzebski et al. (2018), figures 1, 2 and 5: test accuracy during training."""

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes
from matplotlib import figure

from bsgen.figures import style
from bsgen.papers.jastrzebski_2018 import breakdown, cycles, learning_curves, rescaling
from bsgen.studies import study

_COLORS = (style.BLUE, style.VERMILLION, style.GREEN, style.GREY)


def draw_figure1(results: study.Results) -> figure.Figure:
    """Draws the cyclic pair and the constant pair, each of equal ratio."""
    drawn, grid = style.panels(["cyclic schedules", "constant settings"])
    found = cycles.settings(results.runs)
    pairs = (
        (cycles.CYCLIC_BATCH, cycles.CYCLIC_RATE),
        (cycles.SMALL, cycles.LARGE),
    )
    for axes, pair in zip(grid[0], pairs, strict=True):
        for color, name in zip(_COLORS, pair, strict=False):
            rows = found[name]
            label = name
            if pair == pairs[1]:
                label = rf"$\eta / S$ = {_first(rows, 'learning_rate')}"
                label += f" / {_first(rows, 'batch_size')}"
            style.band(axes, learning_curves.of(results, rows), color, label)
        axes.legend(loc="lower right")
    _accuracy(list(grid[0]), results)
    return drawn


def draw_figure2(results: study.Results) -> figure.Figure:
    """Draws the curves, and how far each rule's lie from the small batch's."""
    found = rescaling.settings(results.runs)
    titles = ["test accuracy during training", "distance to the small batch"]
    drawn, grid = style.panels(titles, num_rows=len(found))
    for (left, right), (model, by_rule) in zip(grid, found.items(), strict=True):
        curves = {
            name: learning_curves.of(results, rows) for name, rows in by_rule.items()
        }
        for color, (name, table) in zip(_COLORS, curves.items(), strict=True):
            rows = by_rule[name]
            label = f"{name}: {_first(rows, 'learning_rate')}"
            label += f" / {_first(rows, 'batch_size')}"
            style.band(left, table, color, label)
        left.legend(title=rf"{model}, $\eta / S$", loc="lower right")
        for place, rule in enumerate(rescaling.RULES):
            apart = learning_curves.distances(curves[rule], curves[rescaling.SMALL])
            color = _COLORS[1 + place]
            row = style.over_seeds(pd.DataFrame([apart]), logarithmic=True).iloc[0]
            ends = [[row["value"] - row["lower"]], [row["upper"] - row["value"]]]
            right.errorbar([place], [row["value"]], ends, fmt="o", color=color)
            right.plot([place + 0.15] * len(apart), apart, ".", color=color, alpha=0.5)
        right.set_xticks(range(len(rescaling.RULES)), list(rescaling.RULES))
        right.set(xlim=(-0.5, 2.5), yscale="log", xlabel="rule for the learning rate")
        right.set_ylabel("RMS difference of accuracies")
        style.plain_numbers(right.yaxis, (1, 2, 5))
    _accuracy(list(grid[:, 0]), results)
    return drawn


def draw_figure5(results: study.Results) -> figure.Figure:
    """Draws the curves of every beta, a panel a training set size."""
    found = breakdown.by_size_and_beta(results.runs)
    drawn, grid = style.panels([f"N = {size:,}" for size in found])
    for axes, by_beta in zip(grid[0], found.values(), strict=True):
        for place, (beta, rows) in enumerate(by_beta.items()):
            table = learning_curves.of(results, rows)
            color = style.sequential(place / max(1, len(by_beta) - 1))
            best = rows[breakdown.BEST].astype(float)
            label = rf"{beta} ({best.mean():.3f} $\pm$ {best.std():.3f})"
            label += "*" if (rows["status"] == "diverged").any() else ""
            means = style.over_seeds(table)["value"]
            axes.plot(means.index, means, color=color, label=label)
        axes.legend(title=r"$\beta$ (best: mean $\pm$ s.d.)", loc="lower right")
    _accuracy(list(grid[0]), results)
    return drawn


def _accuracy(panels: list[mpl_axes.Axes], results: study.Results) -> None:
    values = results.curves[learning_curves.METRIC].dropna()
    for axes in panels:
        style.accuracy_axis(axes, float(np.min(values)), float(np.max(values)))
        axes.set(xlabel="epochs", ylabel="test accuracy")


def _first(rows: pd.DataFrame, column: str) -> str:
    return f"{rows[column].iloc[0]:.3g}"
