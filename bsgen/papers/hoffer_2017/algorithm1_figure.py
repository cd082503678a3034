"""Draws the study of algorithm 1 of Hoffer et al. (2017): ghost statistics as such."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes

from bsgen.figures import style
from bsgen.papers.hoffer_2017 import regimes
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.hoffer_2017 import algorithm1

_TITLES = ["size of the ghosts", "running statistics", "statistics of inference"]
_LINES = {regimes.SB: (style.GREEN, "small batch"), regimes.LB: (style.GREY, "LB")}
_RULES = {
    "sequential": "sequential (paper)",
    "sequential_scaled": "sequential, scaled",
    "mean": "equal weights",
    "pooled": "pooled",
}
_RULE_COLORS = dict(zip(_RULES, (*style.COLORS[:3], "#CC79A7"), strict=True))
_RULE_STYLES = dict(zip(_RULES, ("-", ":", "-", "--"), strict=True))
_APART = 1.1  # factor between neighbours on the logarithmic axis of steps


def show(found: "algorithm1.Ghosts") -> shown.Shown:
    """Draws accuracy by ghost size, by rule during training, and by source."""
    drawn, grid = style.panels(_TITLES)
    sizes, rules, sources = grid[0]
    _draw_sizes(sizes, found)
    _draw_rules(rules, found)
    _draw_sources(sources, found)
    return shown.Shown(drawn, _table(found))


def _draw_sizes(axes: mpl_axes.Axes, found: "algorithm1.Ghosts") -> None:
    for stage, (color, label) in _LINES.items():
        row = style.over_seeds(found.references.loc[[stage]]).iloc[0]
        axes.axhline(row["value"], color=color, lw=1, ls="--", label=label)
        axes.axhspan(row["lower"], row["upper"], color=color, alpha=0.12, lw=0)
    means = style.over_seeds(found.sizes)
    looks = {"color": style.BLUE, "fmt": "o-", "label": "large batch, its ghosts"}
    style.error_bars(axes, means.index, means, **looks)
    seen = pd.concat([found.sizes, found.references.loc[list(_LINES)]]).to_numpy()
    style.accuracy_axis(axes, seen.min(), seen.max())
    axes.set(xscale="log", xlabel="examples of a ghost", ylabel="test accuracy")
    axes.set_xticks(means.index, [str(size) for size in means.index])
    axes.minorticks_off()
    axes.legend(loc="best")


def _draw_rules(axes: mpl_axes.Axes, found: "algorithm1.Ghosts") -> None:
    values = [found.short_rules.to_numpy().ravel()]
    for number, (rule, label) in enumerate(_RULES.items()):
        color = _RULE_COLORS[rule]
        curve = found.curves[rule]
        means = style.over_seeds(curve)["value"]
        axes.plot(means.index, means, color=color, ls=_RULE_STYLES[rule], label=label)
        short = style.over_seeds(found.short_rules.loc[[rule]])
        looks = {"color": color, "fmt": "o", "mfc": "white"}
        place = found.short_steps * _APART ** (number - 1.5)
        style.error_bars(axes, [place], short, **looks)
        values.append(means)
    together = np.concatenate(values)
    style.accuracy_axis(axes, np.nanmin(together), np.nanmax(together))
    axes.set(xscale="log", xlabel="steps (parameter updates)")
    style.plain_numbers(axes.xaxis, (1, 2, 5))
    axes.legend(loc="best")


def _draw_sources(axes: mpl_axes.Axes, found: "algorithm1.Ghosts") -> None:
    means = style.over_seeds(found.sources)
    places = np.arange(len(means))
    style.error_bars(axes, places, means, color=style.BLUE, fmt="o")
    style.accuracy_axis(axes, found.sources.min().min(), found.sources.max().max())
    axes.set_xticks(places, [name.replace(" ", "\n") for name in means.index])
    axes.tick_params("x", labelsize=7.5)
    axes.set_xlim(-0.5, len(means) - 0.5)


def _table(found: "algorithm1.Ghosts") -> pd.DataFrame:
    """Returns a row for each mark of the figure, with its interval."""
    parts = {
        "reference": found.references,
        "size of the ghosts": found.sizes,
        "rule": found.rules,
        "rule, 1/16 of the epochs": found.short_rules,
        "statistics of inference": found.sources,
    }
    rows = [
        {"compared": name, "setting": str(setting), **means}
        for name, accuracies in parts.items()
        for setting, means in style.over_seeds(accuracies).iterrows()
    ]
    return pd.DataFrame(rows).rename(columns={"value": "test accuracy"})
