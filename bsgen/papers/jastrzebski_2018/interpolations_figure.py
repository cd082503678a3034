"""Draws figure 4 of Jastrzebski et al. (2018): the line between two networks."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes

from bsgen.figures import style
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.jastrzebski_2018 import interpolations

_ACCURACIES = {
    "training": ("train_accuracy", style.BLUE),
    "test": ("test_accuracy", style.VERMILLION),
}
_MARGIN = 3.0  # factor above and below the losses shown


def show(panels: "list[interpolations.Panel]") -> shown.Shown:
    """Draws the training loss above and accuracies below, one column per pair."""
    drawn, grid = style.panels(list(map(_title, panels)), num_rows=2)
    losses = []
    for (above, below), panel in zip(grid.T, panels, strict=True):
        logarithms = np.log(panel.lines["train_cross_entropy"].astype(float))
        table = np.exp(_by_seed(panel.lines.assign(logarithm=logarithms), "logarithm"))
        style.band(above, table, style.BLUE, "training loss", logarithmic=True)
        for label, (column, color) in _ACCURACIES.items():
            style.band(below, _by_seed(panel.lines, column), color, label)
        _ends(above, below, panel)
        losses.append(table.to_numpy().ravel())
    values = np.concatenate(losses)
    lowest, highest = np.nanmin(values) / _MARGIN, np.nanmax(values) * _MARGIN
    for above in grid[0]:
        above.set(yscale="log", ylim=(lowest, highest))
    grid[0, 0].set_ylabel("training loss")
    grid[1, 0].set_ylabel("accuracy")
    grid[1, 0].legend(loc="lower left", handlelength=1)
    return shown.Shown(drawn)


def _title(panel: "interpolations.Panel") -> str:
    ratios = "ratios equal" if panel.same_ratio else "ratios differ"
    loss = ", loss equal" if panel.first_epochs else ""
    return f"{panel.model},\n{ratios}{loss}"


def _by_seed(lines: pd.DataFrame, column: str) -> pd.DataFrame:
    """Returns one row per alpha, one column per seed: the mean of its two lines."""
    table = lines.pivot(index="alpha", columns=["seed", "crossed"], values=column)
    one, other = (
        table.xs(crossed, axis=1, level="crossed").astype(float)
        for crossed in (False, True)
    )
    return (one + other) / 2


def _ends(
    above: mpl_axes.Axes, below: mpl_axes.Axes, panel: "interpolations.Panel"
) -> None:
    """Marks both ends, and writes outside of them what they were trained with."""
    for end, (rate, size) in enumerate((panel.first, panel.second)):
        for axes in (above, below):
            axes.axvline(end, color=style.GREY, ls=":", lw=1)
        above.text(
            end,
            0.98,
            f"{rate:g} / {size}",
            transform=above.get_xaxis_transform(),
            ha=("right", "left")[end],
            va="top",
            fontsize=8,
            bbox={"color": "w", "pad": 1},
        )
    below.set_xlabel(r"place on the line, $\alpha$")
