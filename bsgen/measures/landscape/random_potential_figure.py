"""The picture of a random potential, made from its table."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd

from bsgen import theory
from bsgen.figures import style

_NUM_BINS = 20


def draw(table: pd.DataFrame) -> bytes:
    """Returns a PNG: all points, std in bins with one standard error, and the fit.

    Args:
      table: columns `distance` and `difference`.
    """
    distances, differences = table["distance"], table["difference"]
    spread = theory.fit_spread(distances, differences)
    largest = float(distances.max())
    bins = theory.bin_differences(distances, differences, largest, _NUM_BINS)
    with mpl.rc_context(style.SETTINGS):
        drawn, grid = style.panels(["Loss at random places around the weights"])
        axes = grid[0, 0]
        axes.plot(
            distances,
            abs(differences),
            ".",
            color=style.GREY,
            ms=2,
            alpha=0.5,
            label="one direction, $|L(w) - L(w_0)|$",
        )
        axes.errorbar(
            bins.distances,
            bins.std,
            bins.standard_error,
            fmt="o",
            color=style.BLUE,
            label=f"std in {_NUM_BINS} bins",
        )
        places = bins.edges[1:]
        axes.plot(
            places,
            spread.at(places),
            color=style.VERMILLION,
            label=f"fit, distance$^{{{spread.exponent:.2f}}}$",
        )
        axes.set(xlabel="distance $|w - w_0|$", ylabel="loss difference")
        axes.legend(loc="upper left")
        return style.png(drawn)
