"""Draws figure 4 of Hoffer et al. (2017): std of the loss against weight distance."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes

from bsgen import statistics
from bsgen.figures import style
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.hoffer_2017 import potential

_EXPONENTS = {
    "whole": "eq. 8, no bins",
    "inner": "inner half of the range",
    "outer": "outer half of the range",
    "about_mean": "about the mean",
    "outer_about_mean": "about the mean, outer half",
    "second_order": "Taylor's series to second order",
}
_LINEAR = "linear (1)"  # the paper's, in words


def show(found: "potential.Potential") -> shown.Shown:
    """Draws std above, and std over its first-order term below; a column for each b."""
    counts = list(found.bins)
    drawn, grid = style.panels([f"b = {count} bins" for count in counts], num_rows=2)
    for (above, below), count in zip(grid.T, counts, strict=True):
        _std(above, found, count)
        _ratio(below, found.bins[count])
        below.set_xlabel("distance $|w - w_0|$")
    grid[0, 0].set_ylabel("std of the loss")
    grid[1, 0].set_ylabel("over $|g| z / \\sqrt{P}$")
    grid[0, 0].legend(loc="upper left")
    grid[1, 0].legend(loc="upper left")
    return shown.Shown(drawn, _table(found.fits))


def _std(axes: mpl_axes.Axes, found: "potential.Potential", count: int) -> None:
    rows = found.bins[count]
    table = _by_bin(rows, "std")
    over = style.over_seeds(table)
    style.error_bars(
        axes,
        table.index,
        over,
        fmt="o",
        ms=3,
        elinewidth=0.8,
        capsize=0,
        color=style.BLUE,
        label="measured",
    )
    first = _by_bin(rows, "first_order").mean(axis=1)
    axes.plot(first.index, first, color=style.GREY, ls="--", label="gradient alone")
    exponent = found.fits["whole"].mean()
    # Through the point of the fit that least squares of logarithms would take.
    scale = np.nanmean(np.log(over["value"]) - exponent * np.log(over.index))
    axes.plot(
        over.index,
        np.exp(scale) * over.index**exponent,
        color=style.VERMILLION,
        label=f"distance$^{{{exponent:.2f}}}$",
    )
    axes.set_ylim(0, 1.1 * np.nanmax(over["upper"]))


def _ratio(axes: mpl_axes.Axes, rows: pd.DataFrame) -> None:
    for column, color, label in (
        ("std", style.BLUE, "about $L(w_0)$, eq. 8"),
        ("std_about_mean", style.GREEN, "about the mean"),
    ):
        ratio = rows.assign(ratio=rows[column] / rows["first_order"])
        table = _by_bin(ratio, "ratio").dropna()
        over = style.over_seeds(table, logarithmic=True)
        axes.plot(over.index, over["value"], color=color, label=label)
        axes.fill_between(
            over.index, over["lower"], over["upper"], color=color, alpha=0.2, lw=0
        )
    second = rows.assign(ratio=rows["second_order"] / rows["first_order"])
    series = np.exp(np.log(_by_bin(second, "ratio")).mean(axis=1))
    axes.plot(series.index, series, color=style.GREY, ls=":", label="second order")
    axes.axhline(1, color=style.GREY, lw=0.8)
    axes.set(yscale="log", ylim=(0.2, 5))
    style.plain_numbers(axes.yaxis, (1, 2, 5))


def _by_bin(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Returns one column a seed, one row a bin, by its mean distance."""
    table = rows.pivot(index="bin", columns="seed", values=column)
    places = rows.groupby("bin")["distance"].mean()
    return table.set_axis(places.loc[table.index].to_numpy(), axis=0)


def _table(fits: pd.DataFrame) -> pd.DataFrame:
    binned = {name: name for name in fits.columns if name.startswith("b = ")}
    found = []
    for column, label in {**_EXPONENTS, **binned}.items():
        value, lower, upper = statistics.mean_interval(fits[column])
        found.append(
            {
                "exponent of std": label,
                "here": value,
                "from": lower,
                "to": upper,
                "paper": _LINEAR if column in ("whole", *binned) else "",
            }
        )
    return pd.DataFrame(found)
