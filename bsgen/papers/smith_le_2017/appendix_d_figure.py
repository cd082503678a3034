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

_FORMS = {"phase 1": "o-", "phase 2": "D--", "phase 3": "s:"}
_SHOWN = 0.1  # of accuracy, below the best: lines leave the panel further down
_BOTTOM = 0.03  # share of the axis at which settings that do not train are marked
_APART = 0.08  # between the first and the last search sideways in panel b, relative


def show(searches: "appendix_d.Searches") -> shown.Shown:
    """Draws each search's path, and the test accuracy of both its settings."""
    drawn, grid = style.panels(["the searches", "what they gained, trained anew"])
    tested = searches.tested
    by_seed = list(searches.rows.groupby("seed"))
    for place, (seed, searched) in enumerate(by_seed):
        share = place / max(len(by_seed) - 1, 1)
        color = style.sequential(share)
        _path(grid[0, 0], searched, color)
        shift = 1 + _APART * (share - 0.5)
        _both(grid[0, 1], tested[tested["seed"] == seed], color, shift)
    _finish_paths(grid[0, 0], searches.rows)
    _finish_both(grid[0, 1])
    return shown.Shown(drawn)


def _path(axes: mpl_axes.Axes, searched: pd.DataFrame, color: Any) -> None:
    """Draws one search: a line a phase and learning rate, and a ring where it ended."""
    for stage, form in _FORMS.items():
        of_stage = searched[searched["stage"] == stage]
        for _, line in of_stage.groupby("learning_rate"):
            kept = line[line["status"] == "completed"].sort_values("batch_size")
            size, accuracy = kept["batch_size"], kept["validation_accuracy"]
            axes.plot(size, accuracy, form, color=color, lw=0.9, ms=4, alpha=0.8)
            lost = line[line["status"] != "completed"]["batch_size"]
            bottom = np.full(len(lost), _BOTTOM)
            transform = axes.get_xaxis_transform()
            axes.plot(lost, bottom, "x", color=color, transform=transform)
    ended = searched[
        searched["stage"].isin(["phase 2", "phase 3"])
        & _is_setting(searched, searched[searched["stage"] == "chosen"])
    ]
    axes.plot(
        ended["batch_size"],
        ended["validation_accuracy"],
        "o",
        ms=11,
        mfc="none",
        mec=color,
        mew=1.5,
    )


def _is_setting(searched: pd.DataFrame, chosen: pd.DataFrame) -> pd.Series:
    """Returns which rows have the setting of `chosen`, all False without one."""
    names = ["batch_size", "learning_rate", "momentum"]
    same = [searched[name].isin(chosen[name]) for name in names]
    return pd.concat(same, axis="columns").all(axis="columns")


def _both(axes: mpl_axes.Axes, tested: pd.DataFrame, color: Any, shift: float) -> None:
    """Draws the mean over new seeds of both settings with its interval, joined."""
    if tested.empty:
        return
    table = tested.pivot(index="stage", columns="repeat", values="test_accuracy")
    found = style.over_seeds(table).loc[list(appendix_d_searches.TESTED)]
    steps = shift * tested.groupby("stage")["num_steps"].first()[found.index]
    style.error_bars(axes, steps, found, fmt="-", color=color, lw=0.9)
    start, chosen = zip(steps, found["value"], strict=True)
    axes.plot(*start, "o", color=color, mfc="white", ms=8)
    axes.plot(*chosen, "o", color=color, ms=4.5)


def _finish_paths(axes: mpl_axes.Axes, rows: pd.DataFrame) -> None:
    for stage, form in _FORMS.items():
        axes.plot([], [], form, color=style.GREY, label=stage)
    axes.plot([], [], "o", ms=11, mfc="none", mec=style.GREY, label="recommended")
    searched = rows[rows["stage"].isin(_FORMS)]
    if (searched["status"] != "completed").any():
        axes.plot([], [], "x", color=style.GREY, label="does not train")
    shown = searched[searched["status"] == "completed"]["validation_accuracy"]
    if len(shown):
        best = shown.max()
        style.accuracy_axis(axes, max(shown.min(), best - _SHOWN), best)
    axes.set(xscale="log", xlabel="batch size $B$", ylabel="validation accuracy")
    style.plain_numbers(axes.xaxis, (1, 2, 5))
    axes.legend(loc="best")


def _finish_both(axes: mpl_axes.Axes) -> None:
    axes.plot([], [], "o", color=style.GREY, mfc="white", ms=8, label="phase 1's best")
    axes.plot([], [], "o", color=style.GREY, ms=4.5, label="recommended")
    axes.set(xlabel="updates of a training run", ylabel="test accuracy")
    axes.set_xlim(0, 1.08 * axes.get_xlim()[1])
    axes.legend(loc="best")
