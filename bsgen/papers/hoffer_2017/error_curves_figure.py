"""What the figures of Hoffer et al. (2017) that show test errors draw alike."""

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes
from matplotlib import colors

from bsgen.figures import style
from bsgen.papers.hoffer_2017 import error_curves, presets

Place = Literal["steps", "epochs", "share"]
_LABELS = {
    "steps": "steps (parameter updates)",
    "epochs": "epochs",
    "share": "share of the regime",
}
# For captions.
DROPS = "Dotted: where the learning rate drops."
BAND = "mean over seeds with its 95 % t interval"


def draw(
    axes: mpl_axes.Axes,
    shown: error_curves.Curves,
    color: Any,
    label: str,
    place: Place = "epochs",
    **looks: Any,
) -> None:
    """Draws the mean test error over seeds during training, and its interval.

    Args:
      axes: where; `error_axis` labels it.
      shown: the runs.
      color: of line and band.
      label: in the legend.
      place: what the x axis counts.
      **looks: of the line.
    """
    table = shown.errors.set_axis(shown.errors.index * _unit(shown, place), axis=0)
    style.band(axes, table, color, label, with_seeds=False, **looks)


def mark_drops(
    axes: mpl_axes.Axes,
    shown: error_curves.Curves,
    place: Place = "epochs",
    color: Any = style.GREY,
) -> None:
    """Marks where the learning rate of a setting drops."""
    for step in shown.drops:
        at = step * _unit(shown, place)
        axes.axvline(at, color=color, ls=":", lw=1, zorder=0)


def error_axis(
    axes: mpl_axes.Axes,
    shown: Iterable[error_curves.Curves],
    place: Place = "epochs",
) -> None:
    """Labels a panel of test errors, on a logarithmic axis with room for the means."""
    means = np.concatenate([each.errors.mean(axis=1) for each in shown])
    lowest = means[means > 0].min(initial=1.0)
    axes.set(xlabel=_LABELS[place], ylabel="test error")
    axes.set_yscale("log", nonpositive="clip")
    axes.set_ylim(0.8 * lowest, 1.2 * means.max(initial=lowest))
    style.plain_numbers(axes.yaxis, (1, 2, 5))
    if place == "steps":
        axes.set_xscale("log")
        style.plain_numbers(axes.xaxis)


def differences(
    axes: mpl_axes.Axes, table: pd.DataFrame, setting_colors: Iterable[Any]
) -> None:
    """Draws differences side by side: mean, interval and each seed, around 0.

    Args:
      axes: where.
      table: one row a setting, whose name is the index, one column a seed.
      setting_colors: one a row.
    """
    found = style.over_seeds(table)
    axes.axhline(0, color=style.GREY, lw=1, zorder=0)
    for place, (name, color) in enumerate(
        zip(table.index, setting_colors, strict=True)
    ):
        own = table.loc[name].to_numpy(float)
        axes.plot([place + 0.15] * len(own), own, ".", color=color, alpha=0.45)
        style.error_bars(axes, [place], found.loc[[name]], fmt="o", color=color)
    names = [f"{name:,}" if isinstance(name, int) else name for name in table.index]
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.5, len(names) - 0.3)


def shade_as_good(axes: mpl_axes.Axes) -> None:
    """Shades the differences of errors that count as "at least as good"."""
    lowest, highest = axes.get_ylim()
    axes.axhspan(lowest, presets.MARGIN, color=style.GREEN, alpha=0.1, lw=0, zorder=0)
    axes.set_ylim(lowest, max(highest, 1.2 * presets.MARGIN))


def batch_size_colors(sizes: Iterable[int]) -> dict[int, tuple[float, ...]]:
    """Returns a colour for each batch size, from dark to light as they rise."""
    sizes = sorted(sizes)
    norm = colors.LogNorm(sizes[0], max(sizes[-1], sizes[0] + 1))
    return {size: style.sequential(norm(size)) for size in sizes}


def _unit(shown: error_curves.Curves, place: Place) -> float:
    """Returns what one step counts on the x axis."""
    if place == "steps":
        return 1.0
    total = shown.num_epochs if place == "epochs" else 1.0
    return total / shown.num_steps
