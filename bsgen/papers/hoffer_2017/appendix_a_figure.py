"""Draws the correlation of increments by lag and batch size, and the mean length."""

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes

from bsgen import theory
from bsgen.figures import style
from bsgen.papers.hoffer_2017 import appendix_a_measurement
from bsgen.studies import shown

_COLORS = (style.BLUE, style.VERMILLION)
_SIDEWAYS = 1.03  # between points of two states at one place of a logarithmic axis


def show(table: pd.DataFrame) -> shown.Shown:
    """Draws the three panels.

    Args:
      table: of `appendix_a.analyse`.
    """
    drawn, ((left, middle, right),) = style.panels(
        ["by distance", "neighbours, by batch size", "mean step / deviation"]
    )
    fixed = table[table["kind"] == appendix_a_measurement.FIXED]
    one_epoch = fixed["one_epoch"].astype(bool)
    neighbours = fixed[one_epoch]
    _by_lag(left, fixed[~one_epoch], table)
    states = neighbours.groupby("num_steps")
    for place, ((steps, rows), color) in enumerate(zip(states, _COLORS, strict=False)):
        label, sideways = f"step {steps}", _SIDEWAYS ** (2 * place - 1)
        for axes, column, sign, logarithmic in (
            (middle, "correlation", -1, False),
            (right, "mean_length", 1, True),
        ):
            means = sign * rows.pivot(index="batch_size", columns="seed", values=column)
            found = style.over_seeds(means, logarithmic)
            places = found.index.to_numpy() * sideways
            style.error_bars(axes, places, found, fmt="o", color=color, label=label)
    train_size = int(fixed["train_size"].iloc[0])
    ends = neighbours["batch_size"].min(), neighbours["batch_size"].max()
    sizes = np.geomspace(*ends, 100)
    exact = 1 / (train_size / sizes - 1)
    middle.plot(sizes, exact, color=style.GREY, zorder=0, label="$1 / (N/B - 1)$")
    middle.set(yscale="log", ylabel="minus the correlation")
    right.axhline(0.1, color=style.GREY, ls="--", lw=1, label="a tenth")
    right.set(yscale="log", ylabel="$|E\\,dw|$ / standard deviation")
    for axes in (middle, right):
        axes.set(xscale="log", xlabel="batch size $B$")
        style.plain_numbers(axes.xaxis, (1, 2, 5))
        style.plain_numbers(axes.yaxis, (1, 2, 5))
        axes.legend()
    return shown.Shown(drawn)


def _by_lag(axes: mpl_axes.Axes, fixed: pd.DataFrame, table: pd.DataFrame) -> None:
    """Draws correlations at the smallest batch size against the lag."""
    training = table[table["kind"] == appendix_a_measurement.TRAINING]
    for rows, marker, words in (
        (fixed, "o", "fixed weights"),
        (training, "^", "in training"),
    ):
        states = zip(rows.groupby("num_steps"), _COLORS, strict=False)
        for place, ((steps, own), color) in enumerate(states):
            means = own.pivot(index="lag", columns="seed", values="correlation")
            found = style.over_seeds(means)
            style.error_bars(
                axes,
                found.index.to_numpy() * _SIDEWAYS ** (2 * place - 1),
                found,
                fmt=marker,
                color=color,
                mfc=color if marker == "o" else "none",
                label=f"{words}, step {steps}",
            )
    size, train_size = (
        int(fixed["batch_size"].iloc[0]),
        int(fixed["train_size"].iloc[0]),
    )
    lags = np.arange(1, fixed["lag"].max() + 1)
    steps = np.arange(train_size // size)[:, np.newaxis]
    exact = theory.increment_covariance(size, train_size, lags, steps).mean(axis=0)
    exact = exact / theory.increment_covariance(size, train_size, 0)
    axes.plot(lags, exact, color=style.GREY, label="exact", zorder=0)
    axes.axhline(fixed["paper"].mean(), color="black", ls="--", lw=1, label="paper's")
    axes.set(xscale="log", xlabel="lag $k$", ylabel=f"correlation, $B$ = {size}")
    style.plain_numbers(axes.xaxis, (1, 2, 5))
    axes.legend(fontsize=6.5)
