"""What the panels of a search's picture have in common; see `search_figure`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes

from bsgen.figures import style

SETTING = ["batch_size", "learning_rate", "momentum"]


def curve(
    axes: mpl_axes.Axes, points: pd.DataFrame, color: Any, label: str, form: str = "o-"
) -> None:
    """Draws settings with standard errors, and crosses for those that do not train."""
    trained = points[points["trained"]].sort_values("x")
    axes.errorbar(
        trained["x"], trained["mean"], trained["error"], fmt=form, color=color, lw=1.2
    )
    axes.plot([], [], form, color=color, label=label)
    failed = points[~points["trained"]]
    axes.plot(
        failed["x"],
        np.full(len(failed), 0.02),
        "x",
        color=color,
        transform=axes.get_xaxis_transform(),
    )


def own_line(axes: mpl_axes.Axes, own: pd.DataFrame, trials: pd.DataFrame) -> None:
    """Draws a line for the user's own optimizer, whose batch size is not searched."""
    trained = own[own["trained"]]
    if trained.empty:
        return
    first = trials.iloc[0]
    label = f"your own {first['optimizer']}, B = {first['batch_size']}"
    axes.axhline(trained["mean"].mean(), color=style.GREY, ls="--", lw=1.2, label=label)


def finish(
    axes: mpl_axes.Axes,
    points: pd.DataFrame,
    own: pd.DataFrame,
    metric: str,
    has_ended: bool,
) -> None:
    """Sets the y axis by what trained, and explains the crosses."""
    axes.set_ylabel(metric)
    trained = points[points["trained"]]
    if not points["trained"].all():
        axes.plot([], [], "x", color=style.GREY, label="does not train")
    if not len(trained):
        none = "nothing is recommended" if has_ended else "nothing is recommended yet"
        words = "nothing trained here" if len(points) else none
        axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center")
        axes.set_yticks([])
        return
    trained = pd.concat([trained, own[own["trained"]]])
    low, high = trained["mean"] - trained["error"], trained["mean"] + trained["error"]
    if "accuracy" in metric and low.min() < 0.8 < high.max():
        style.accuracy_axis(axes, max(low.min(), 0.0), min(high.max(), 0.9999))


def mark(
    axes: mpl_axes.Axes, points: pd.DataFrame, recommended: Mapping[str, Any]
) -> None:
    """Marks the recommended setting where it is among the points."""
    same = [np.isclose(points[name], recommended[name]) for name in SETTING]
    chosen = points[np.all(same, axis=0)].tail(1)
    axes.plot(
        chosen["x"],
        chosen["mean"],
        "*",
        color="black",
        mfc="none",
        ms=15,
        label="recommended" if len(chosen) else None,
    )
