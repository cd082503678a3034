"""Jastrzebski et al. (2018), figure 3: curvature and accuracy against the ratio."""

import numpy as np
from matplotlib import axes as mpl_axes
from matplotlib import figure

from bsgen.figures import style
from bsgen.papers.jastrzebski_2018 import grid
from bsgen.studies import study

_PANELS = {
    "largest eigenvalue": grid.EIGENVALUE,
    "Frobenius norm": grid.NORM,
    "test accuracy": grid.ACCURACY,
}
_MARKERS = "osD^vP"


def draw(results: study.Results) -> figure.Figure:
    """Draws all three against the ratio; a colour is a batch size, a dot a run."""
    drawn, panels = style.panels(list(_PANELS))
    found = grid.trained(results.runs)
    sizes = sorted(found["batch_size"].unique())
    for axes, (label, column) in zip(panels[0], _PANELS.items(), strict=True):
        for place, size in enumerate(sizes):
            rows = found[found["batch_size"] == size]
            color = style.sequential(place / max(1, len(sizes) - 1))
            marker = _MARKERS[place % len(_MARKERS)]
            table = rows.pivot(index="ratio", columns="seed", values=column)
            axes.plot(table.index, table, marker, color=color, ms=3, alpha=0.35)
            means = style.over_seeds(table, logarithmic=column != grid.ACCURACY)
            axes.errorbar(
                means.index,
                means["value"],
                (means["value"] - means["lower"], means["upper"] - means["value"]),
                fmt=f"{marker}-",
                color=color,
                label=f"{size}",
                elinewidth=0.8,
            )
        _axes(axes, label, is_accuracy=column == grid.ACCURACY)
        axes.set_ylim(*_limits(found[column].to_numpy(float), column))
    panels[0, 0].legend(title="batch size $S$", loc="best")
    return drawn


def _axes(axes: mpl_axes.Axes, label: str, is_accuracy: bool) -> None:
    axes.set(xscale="log", ylabel=label if is_accuracy else f"{label} of the Hessian")
    axes.set_xlabel("learning rate / batch size, $\\eta / S$")
    if not is_accuracy:
        axes.set_yscale("log")


def _limits(values: np.ndarray, column: str) -> tuple[float, float]:
    """Returns ends that show every run; intervals of few seeds may reach further."""
    lowest, highest = np.nanmin(values), np.nanmax(values)
    if column == grid.ACCURACY:
        margin = 0.06 * (highest - lowest) + 1e-3
        return float(lowest - margin), float(highest + margin)
    margin = (highest / lowest) ** 0.06
    return float(lowest / margin), float(highest * margin)
