"""Draws simulated stationary losses beside eq. 7 of Jastrzebski et al. (2018)."""

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes
from matplotlib import ticker

from bsgen import theory
from bsgen.figures import style
from bsgen.papers.jastrzebski_2018 import quadratic_minima
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.jastrzebski_2018 import stationary_loss

_COLORS = dict(zip(quadratic_minima.SPECTRA, style.COLORS, strict=False))
_MARKERS = dict(zip(quadratic_minima.MOMENTA, "o^", strict=True))


def show(simulated: "stationary_loss.Simulated") -> shown.Shown:
    """Draws the loss against the ratio, and over eq. 7 against the critical rate."""
    titles = ["small learning rates", "learning rates up to the critical one"]
    drawn, grid = style.panels(titles)
    left, right = grid[0]
    found, small = simulated.settings, simulated.small
    _dots(left, small["ratio"], small["loss"], small)
    _dots(
        right, found["critical_share"], found["loss"] / found["continuous_loss"], found
    )
    _equation_7(left, small)
    _exact(right, found)
    left.set(xscale="log", yscale="log", ylabel="stationary loss")
    left.set_xlabel(r"ratio, $\eta\, /\, (S (1 - m))$")
    ratios = sorted(small["ratio"].unique())
    left.set_xticks(ratios, [f"{ratio:g}" for ratio in ratios])
    left.xaxis.set_minor_locator(ticker.NullLocator())
    left.legend(handles=_legend(), loc="best")
    right.set(yscale="log", xlim=(0, 1), ylabel="stationary loss / eq. 7")
    right.set_xlabel(r"learning rate / critical one, $\eta\, /\, \eta_\mathrm{crit}$")
    style.plain_numbers(right.yaxis, (1, 2, 5))
    return shown.Shown(drawn)


def _dots(
    axes: mpl_axes.Axes, places: pd.Series, values: pd.Series, found: pd.DataFrame
) -> None:
    """Draws simulated values of all settings with their 95 % t intervals."""
    reach = values * found["relative_reach"]
    for (spectrum, momentum), rows in found.groupby(["spectrum", "momentum"]):
        color = _COLORS[spectrum]
        axes.errorbar(
            places[rows.index],
            values[rows.index],
            reach[rows.index],
            fmt=_MARKERS[momentum],
            color=color,
            mfc="w" if momentum else color,
        )


def _equation_7(axes: mpl_axes.Axes, small: pd.DataFrame) -> None:
    ends = np.array([small["ratio"].min() / 1.5, small["ratio"].max() * 1.5])
    for spectrum, rows in small.groupby("spectrum"):
        losses = ends / 4 * rows["hessian_trace"].iloc[0]
        axes.plot(ends, losses, color=_COLORS[spectrum], lw=1, zorder=1)


def _exact(axes: mpl_axes.Axes, found: pd.DataFrame) -> None:
    """Draws the exact loss over eq. 7, which is the same for every momentum."""
    shares = np.linspace(0.0, found["critical_share"].max(), 200)[1:]
    for (spectrum, dimension), _ in found.groupby(["spectrum", "dimension"]):
        matrix = quadratic_minima.hessian(spectrum, dimension)
        rates = 2.0 * shares  # the largest eigenvalue is 1
        exact = [theory.stationary_loss(matrix, r, 1, exact=True) for r in rates]
        line = [theory.stationary_loss(matrix, r, 1) for r in rates]
        enlarged = np.divide(exact, line)
        axes.plot(shares, enlarged, color=_COLORS[spectrum], lw=1, zorder=1)
    axes.axhline(1.0, color=style.GREY, lw=1, zorder=0)


def _legend() -> list[mpl.lines.Line2D]:
    """Returns one entry per spectrum and momentum, and one for the lines."""
    looks = [(c, "s", c, name) for name, c in _COLORS.items()] + [
        ("k", marker, "w" if momentum else "k", f"momentum {momentum:g}")
        for momentum, marker in _MARKERS.items()
    ]
    entries = [
        mpl.lines.Line2D([], [], color=c, marker=marker, mfc=mfc, ls="", label=label)
        for c, marker, mfc, label in looks
    ]
    line = mpl.lines.Line2D([], [], color="k", lw=1, label="(a) eq. 7, (b) exact")
    return [*entries, line]
