"""Draws figure 2 of Smith, Elsen & De (2020): two networks, many budgets."""

from typing import TYPE_CHECKING

import pandas as pd

from bsgen.figures import style
from bsgen.papers.smith_elsen_de_2020 import epoch_budgets_figure
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.smith_elsen_de_2020.epoch_budgets import Budgets

_COLORS = style.GREEN, style.GREY


def show(found: "list[Budgets]") -> shown.Shown:
    """Draws accuracy and loss of both networks, and the optimal rates of each."""
    titles = ["optimum test accuracy", "optimum training loss"]
    drawn, grid = style.panels(titles, num_rows=2)
    for each, color in zip(found, _COLORS, strict=False):
        epoch_budgets_figure.draw_reached(grid[0, 0], each.test, color, each.label)
        epoch_budgets_figure.draw_reached(
            grid[0, 1], each.train, color, each.label, "log"
        )
    for letter, axes, each in zip("cd", grid[1], found, strict=False):
        axes.set_title(f"({letter}) optimal rates {each.label}")
        epoch_budgets_figure.draw_both_rates(axes, each)
    for axes in grid[1, len(found) :]:
        axes.set_axis_off()
    style.legend_above(drawn, *grid[1], *grid[0])
    tables = []
    for each in found:
        table = epoch_budgets_figure.table(each)
        table.insert(0, "norm.", each.label.partition(" ")[0])
        tables.append(table)
    return shown.Shown(drawn, pd.concat(tables))
