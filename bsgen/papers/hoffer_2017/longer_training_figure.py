"""Draws figure 5 of Hoffer et al. (2017): a large batch, by how long it trains."""

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib import axes as mpl_axes
from matplotlib import ticker

from bsgen.figures import style
from bsgen.papers.hoffer_2017 import error_curves_figure
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.hoffer_2017 import longer_training

_TITLES = ["test error during training", "error at the end", "longer at the high rate"]


def show(found: "longer_training.Longer") -> shown.Shown:
    """Draws curves, final errors and, where it was tried, a longer first phase."""
    titles = _TITLES if found.by_factor else _TITLES[:2]
    drawn, ((left, middle, *more),) = style.panels(titles)
    large = {
        "equal epochs": (found.unadapted, style.VERMILLION),
        "equal updates": (found.updates_alone, style.GREY),
        "all adapted": (found.adapted, style.GREEN),
    }
    there = [(name, each, color) for name, (each, color) in large.items() if each]
    small, size = found.small, f"{found.adapted.batch_size:,}"
    of_small = (f"B = {small.batch_size:,}", small, style.BLUE)
    of_large = [(f"{size}, {name}", each, color) for name, each, color in there]
    for name, curves, color in (of_small, *of_large):
        error_curves_figure.draw(left, curves, color, name, "steps")
        error_curves_figure.mark_drops(left, curves, "steps", color)
    error_curves_figure.error_axis(
        left, [small, *(each for _, each, _ in there)], "steps"
    )
    left.legend(loc="upper right")
    beside = {
        name.replace(" ", "\n"): each.final_error() - small.final_error()
        for name, each, _ in there
    }
    colors = [color for *_, color in there]
    error_curves_figure.differences(middle, pd.DataFrame(beside).T, colors)
    error_curves_figure.shade_as_good(middle)
    middle.set(ylabel="test error minus the small batch's", xlabel=f"B = {size}")
    for axes in more:
        _longer_first_phase(axes, found)
    return shown.Shown(drawn)


def _longer_first_phase(axes: mpl_axes.Axes, found: "longer_training.Longer") -> None:
    """Draws errors before the first drop and at the end, by the updates before it."""
    for table, color, label in (
        (found.before_drop(), style.VERMILLION, "before the first drop"),
        (found.final_by_factor(), style.BLUE, "at the end"),
    ):
        means, factors = style.over_seeds(table), table.index.to_numpy(float)
        style.error_bars(axes, factors, means, fmt="o-", color=color, label=label)
    axes.set(xscale="log", ylabel="test error", xlabel="updates before the first drop")
    axes.set_xticks(
        list(found.by_factor), [f"x {factor}" for factor in found.by_factor]
    )
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.legend(loc="upper right")
