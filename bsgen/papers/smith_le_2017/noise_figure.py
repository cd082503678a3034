"""Draws the noise of a batch's gradient against batch size, with eq. 15's lines."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes

from bsgen import theory
from bsgen.figures import style
from bsgen.studies import shown

_COLORS = {False: style.BLUE, True: style.VERMILLION}
_SIDEWAYS = 1.05  # between neighbouring points of one batch size in (b)


class _Series(NamedTuple):
    """The rows of one kind of drawing and one state of the network."""

    label: str
    color: str
    marker: str
    rows: pd.DataFrame


def show(table: pd.DataFrame) -> shown.Shown:
    """Draws the trace in units of F by batch size, and measured over predicted.

    Args:
      table: of `noise.analyse`.
    """
    drawn, grid = style.panels(["noise by batch size", "measured / predicted"])
    train_size = int(table["train_size"].max())
    _laws(grid[0, 0], train_size)
    for place, series in enumerate(_series(table)):
        _points(grid[0, 0], series, "trace_share", 1.0)
        _points(grid[0, 1], series, "trace_ratio", _SIDEWAYS ** (place - 1.5))
    grid[0, 0].set(yscale="log", ylim=(0.2 * train_size, 3 * train_size**2))
    grid[0, 0].set_ylabel("trace of the covariance / trace of $F$")
    grid[0, 1].axhline(1, color=style.GREY, lw=1)
    grid[0, 1].set_ylabel("trace, measured / predicted")
    for axes in grid[0]:
        axes.set(xscale="log", xlabel="batch size $B$")
        axes.legend(loc="best")
        style.plain_numbers(axes.xaxis)
    return shown.Shown(drawn)


def _laws(axes: mpl_axes.Axes, train_size: int) -> None:
    """Draws both laws and, dotted, one of 1 over the root of B."""
    # Dense towards N, where the first falls to 0.
    sizes = train_size - np.geomspace(0.2, train_size - 1, 400)
    exact = train_size * theory.noise_scale(1.0, sizes, train_size, exact=True)
    axes.plot(sizes, exact, color=style.BLUE, label="$N(N/B - 1)$, eq. 15")
    ends = np.array([1, train_size])
    usual = train_size * theory.noise_scale(1.0, ends, train_size)
    axes.plot(ends, usual, color=style.VERMILLION, ls="--", label="$N^2/B$")
    other = train_size**2 / np.sqrt(ends)
    axes.plot(ends, other, color=style.GREY, ls=":", label="$N^2/\\sqrt{B}$")


def _series(table: pd.DataFrame) -> Iterator[_Series]:
    for (replacement, num_steps), rows in table.groupby(["replacement", "num_steps"]):
        kind = "with replacement" if replacement else "without replacement"
        state = f"step {num_steps}"
        color, marker = _COLORS[bool(replacement)], "s" if num_steps else "o"
        yield _Series(f"{kind}, {state}", color, marker, rows[rows["predicted"] > 0])


def _points(axes: mpl_axes.Axes, series: _Series, column: str, sideways: float) -> None:
    """Draws the geometric mean over seeds with its interval."""
    table = series.rows.pivot(index="batch_size", columns="seed", values=column)
    found = style.over_seeds(table, logarithmic=True)
    style.error_bars(
        axes,
        found.index * sideways,
        found,
        fmt=series.marker,
        mfc="none" if series.marker == "s" else series.color,
        color=series.color,
        label=series.label,
        elinewidth=0.8,
    )
