"""Draws and lists the weight distances of figures 2 and 7 of Hoffer et al. (2017)."""

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes

from bsgen.figures import style
from bsgen.papers.hoffer_2017 import distance_growth, error_curves_figure
from bsgen.studies import shown

BAND = "Solid: mean over seeds with its 95 % t interval."  # for captions
_COLUMNS = {
    "slope": "slope",
    "criterion": "AICc",
    "r_squared": "R^2",
    "exponent": "p",
    "alpha": "alpha",
    "final": "final",
    "undecayed": "decay",
}


def before_and_after(growth: distance_growth.Growth) -> shown.Shown:
    """Draws figure 2: both panels, over all weights and over the first kernel."""
    titles = ["before adaptation", "after adaptation"]
    drawn, grid = style.panels(titles, num_rows=len(distance_growth.MEASURES))
    for row, measure in zip(grid, distance_growth.MEASURES, strict=True):
        for axes, is_adapted in zip(row, (False, True), strict=True):
            _panel(axes, growth, is_adapted, measure)
    return shown.Shown(drawn, _table(growth))


def after(growth: distance_growth.Growth) -> shown.Shown:
    """Draws figure 7: what is adapted, over all weights and over the first kernel."""
    drawn, grid = style.panels(list(distance_growth.MEASURES.values()))
    for axes, measure in zip(grid[0], distance_growth.MEASURES, strict=True):
        _panel(axes, growth, True, measure)
    return shown.Shown(drawn, _table(growth))


def _panel(
    axes: mpl_axes.Axes, growth: distance_growth.Growth, is_adapted: bool, measure: str
) -> None:
    curves = growth.curves[growth.curves["is_adapted"] == is_adapted]
    if curves.empty:
        return
    colors = error_curves_figure.batch_size_colors(growth.curves["batch_size"].unique())
    offsets = growth.by_size("offset", is_adapted, measure)
    slopes = growth.by_size("slope", is_adapted, measure)
    for size, rows in curves.groupby("batch_size"):
        table = rows.pivot(index="step", columns="seed", values=measure)
        color = colors[size]
        style.band(axes, table, color, f"$B = {size}$", with_seeds=False)
        if size in slopes:
            steps = np.array(
                [rows.loc[rows["is_fitted"], "step"].min(), table.index[-1]]
            )
            line = offsets[size].mean() + slopes[size].mean() * np.log(steps)
            axes.plot(steps, line, color=color, ls="--", lw=1)
    axes.set(xscale="log", xlabel="steps (parameter updates) $t$")
    axes.set_ylabel(f"$|w_t - w_0|$, {distance_growth.MEASURES[measure]}")
    axes.set_ylim(bottom=0)
    style.plain_numbers(axes.xaxis)
    axes.legend(loc="upper left")


def _table(growth: distance_growth.Growth) -> pd.DataFrame:
    """Returns the means over seeds, one row per setting and measure."""
    rivals = [f"{rival}_criterion" for rival in distance_growth.RIVALS]
    fits = growth.fits.assign(criterion=growth.fits[rivals].min(axis=1))
    places = ["measure", "is_adapted", "batch_size"]
    means = fits.groupby(places)[list(_COLUMNS)].mean().reset_index()
    # All weights come first.
    means = means.sort_values(places, ascending=[False, True, True])
    labels = {
        "weights": np.where(means["measure"] == distance_growth.ALL, "all", "first"),
        "adapted": np.where(means["is_adapted"], "yes", "no"),
        "B": means["batch_size"],
    }
    listed = means[list(_COLUMNS)].rename(columns=_COLUMNS).round(2)
    return pd.DataFrame({**labels, **listed}).reset_index(drop=True)
