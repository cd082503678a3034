"""Draws figure 3 of Jastrzebski et al. (2018): curvature, accuracy and the ratio."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import axes as mpl_axes

from bsgen.figures import style
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.jastrzebski_2018 import grid

_ACCURACY = "final_test_accuracy"
_PANELS = {
    "largest eigenvalue": "final_max_eigenvalue",
    "Frobenius norm": "final_hessian_frobenius_norm",
    "test accuracy": _ACCURACY,
}
_MARKERS = "osD^vP"


def show(found: "grid.Grid") -> shown.Shown:
    """Draws all three against the ratio; a colour is a batch size, a dot a run."""
    drawn, panels = style.panels(list(_PANELS))
    by_size = dict(list(found.trained.groupby("batch_size")))
    for axes, (label, column) in zip(panels[0], _PANELS.items(), strict=True):
        for place, (size, rows) in enumerate(by_size.items()):
            color = style.sequential(place / max(1, len(by_size) - 1))
            marker = _MARKERS[place % len(_MARKERS)]
            table = rows.pivot(index="ratio", columns="seed", values=column)
            axes.plot(table.index, table, marker, color=color, ms=3, alpha=0.35)
            means = style.over_seeds(table, logarithmic=column != _ACCURACY)
            looks = {"color": color, "label": f"{size}", "elinewidth": 0.8}
            style.error_bars(axes, means.index, means, fmt=f"{marker}-", **looks)
        _axes(axes, label, is_accuracy=column == _ACCURACY)
        axes.set_ylim(*_limits(found.trained[column].to_numpy(float), column))
    panels[0, 0].legend(title="batch size $S$", loc="best")
    return shown.Shown(drawn)


def _axes(axes: mpl_axes.Axes, label: str, is_accuracy: bool) -> None:
    axes.set(xscale="log", ylabel=label if is_accuracy else f"{label} of the Hessian")
    axes.set_xlabel("learning rate / batch size, $\\eta / S$")
    if not is_accuracy:
        axes.set_yscale("log")


def _limits(values: np.ndarray, column: str) -> tuple[float, float]:
    """Returns ends that show every run; intervals of few seeds may reach further."""
    lowest, highest = np.nanmin(values), np.nanmax(values)
    if column == _ACCURACY:
        margin = 0.06 * (highest - lowest) + 1e-3
        return float(lowest - margin), float(highest + margin)
    margin = (highest / lowest) ** 0.06
    return float(lowest / margin), float(highest * margin)
