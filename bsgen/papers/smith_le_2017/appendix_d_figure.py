"""Draws the paths of searches by appendix D, and what they brought."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes

from bsgen.figures import style
from bsgen.papers.smith_le_2017 import appendix_d_searches
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.smith_le_2017 import appendix_d

# Colour and form; twenty searches are told apart by neither.
_PHASES = {
    "phase 1": (style.BLUE, "o-"),
    "phase 2": (style.VERMILLION, "D--"),
    "phase 3": (style.GREEN, "s:"),
}
_FAINT: dict[str, Any] = {"lw": 0.7, "ms": 3, "alpha": 0.5}
_SHOWN = 0.1  # of accuracy, below the best: lines leave the panel further down
_BOTTOM = 0.03  # share of the axis at which settings that do not train are marked
_APART = 0.02  # between searches of one ratio sideways in panel b, relative


def show(searches: "appendix_d.Searches") -> shown.Shown:
    """Draws each search's path and what it gained, and lists where searches ended."""
    drawn, grid = style.panels(["the searches", "what they gained, trained anew"])
    for _, searched in searches.rows.groupby("seed"):
        _path(grid[0, 0], searched)
    _finish_paths(grid[0, 0], searches.rows)
    _gains(grid[0, 1], searches)
    return shown.Shown(drawn, searches.outcomes)


def _path(axes: mpl_axes.Axes, searched: pd.DataFrame) -> None:
    """Draws one search: a line a phase and learning rate, and a ring where it ended."""
    for stage, (color, form) in _PHASES.items():
        of_stage = searched[searched["stage"] == stage]
        for _, line in of_stage.groupby("learning_rate"):
            kept = line[line["status"] == "completed"].sort_values("batch_size")
            size, accuracy = kept["batch_size"], kept["validation_accuracy"]
            axes.plot(size, accuracy, form, color=color, **_FAINT)
            lost = line[line["status"] != "completed"]["batch_size"]
            bottom = np.full(len(lost), _BOTTOM)
            transform = axes.get_xaxis_transform()
            axes.plot(lost, bottom, "x", color=color, transform=transform)
    ended = searched[
        searched["stage"].isin(["phase 2", "phase 3"])
        & _is_setting(searched, searched[searched["stage"] == "chosen"])
    ]
    axes.plot(ended["batch_size"], ended["validation_accuracy"], "ko", ms=8, mfc="none")


def _is_setting(searched: pd.DataFrame, chosen: pd.DataFrame) -> pd.Series:
    """Returns which rows have the setting of `chosen`, all False without one."""
    names = ["batch_size", "learning_rate", "momentum"]
    same = [searched[name].isin(chosen[name]) for name in names]
    return pd.concat(same, axis="columns").all(axis="columns")


def _finish_paths(axes: mpl_axes.Axes, rows: pd.DataFrame) -> None:
    for stage, (color, form) in _PHASES.items():
        axes.plot([], [], form, color=color, label=stage)
    axes.plot([], [], "ko", ms=8, mfc="none", label="recommended")
    searched = rows[rows["stage"].isin(_PHASES)]
    if (searched["status"] != "completed").any():
        axes.plot([], [], "x", color=style.BLUE, label="does not train")
    shown = searched[searched["status"] == "completed"]["validation_accuracy"]
    if len(shown):
        best = shown.max()
        style.accuracy_axis(axes, max(shown.min(), best - _SHOWN), best)
    axes.set(xscale="log", xlabel="batch size $B$", ylabel="validation accuracy")
    style.plain_numbers(axes.xaxis, (1, 2, 5))
    axes.legend(loc="best")


def _gains(axes: mpl_axes.Axes, searches: "appendix_d.Searches") -> None:
    """Draws the gain of the searches that moved, and one dot for all that did not."""
    changes = searches.changes
    moved = changes[changes["num_steps"].notna() & (changes["num_steps"] != 1)]
    axes.axhspan(-searches.margin, 0, color=style.GREY, alpha=0.15, lw=0)
    axes.axhline(0, color=style.GREY, lw=1)
    num_stayed = int((changes["num_steps"] == 1).sum())
    if num_stayed:
        words = f"phase 1's best itself: {num_stayed} of {len(changes)} searches"
        axes.plot(1, 0, "o", color=style.GREY, ms=9, label=words)
    if len(moved):
        table = searches.tested.pivot(
            index=["seed", "repeat"], columns="stage", values="test_accuracy"
        )
        start, chosen = (table[stage].unstack() for stage in appendix_d_searches.TESTED)
        found = style.over_seeds((chosen - start).loc[moved.index])
        apart = moved.groupby("num_steps").cumcount()
        style.error_bars(
            axes,
            moved["num_steps"] * (1 + _APART * apart),
            found,
            fmt="o",
            color=style.BLUE,
            label="another setting",
        )
    axes.set(xscale="log", ylabel="gain of test accuracy")
    axes.set_xlabel("updates, recommended / phase 1's best")
    style.plain_numbers(axes.xaxis, (1, 2, 5))
    # With all at one place, an automatic axis would be a hair wide.
    lowest, highest = axes.get_xlim()
    axes.set_xlim(min(lowest, 0.5), max(highest, 2))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best")
