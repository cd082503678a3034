"""The picture of a spectral density, made from its table."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd

from bsgen.figures import style

_DECADES = 8  # below the peak; what is further down is the smoothing's tail


def draw(table: pd.DataFrame) -> bytes:
    """Returns a PNG: the density, on a logarithmic axis, with two standard errors.

    Args:
      table: columns `eigenvalue`, `density` and `standard_error`, which is infinite
        where there was one probe only; then there is no band.
    """
    places, density = table["eigenvalue"], table["density"]
    error = table["standard_error"].where(np.isfinite(table["standard_error"]), 0.0)
    lowest = density.max() * 10.0**-_DECADES
    with mpl.rc_context(style.SETTINGS):
        drawn, grid = style.panels(["Density of the Hessian's eigenvalues"])
        axes = grid[0, 0]
        axes.fill_between(
            places,
            np.maximum(density - 2 * error, lowest),
            np.maximum(density + 2 * error, lowest),
            color=style.BLUE,
            alpha=0.2,
            lw=0,
        )
        axes.plot(places, np.maximum(density, lowest), color=style.BLUE)
        axes.axvline(0.0, color=style.GREY, lw=0.8)
        axes.set_yscale("log")
        axes.set_ylim(lowest, 3 * density.max())
        axes.set_xlabel("eigenvalue, of the mean loss")
        axes.set_ylabel("density (area 1)")
        return style.png(drawn)
