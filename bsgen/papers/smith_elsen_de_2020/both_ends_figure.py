"""Draws figure 3 of Smith, Elsen & De (2020): both ends of the schedule tuned."""

from typing import TYPE_CHECKING

import pandas as pd

from bsgen.figures import style
from bsgen.papers.smith_elsen_de_2020 import epoch_budgets_figure
from bsgen.studies import optimum_words, shown

if TYPE_CHECKING:
    from bsgen.papers.smith_elsen_de_2020 import both_ends


def show(found: "both_ends.Ends") -> shown.Shown:
    """Draws accuracy and loss of the best pairs, and the pairs themselves."""
    titles = ["optimum test accuracy", "optimum training loss"]
    drawn, grid = style.panels(titles, num_rows=2)
    tests = [each.test for each in found]
    trains = [each.train for each in found]
    epoch_budgets_figure.draw_reached(grid[0, 0], tests[0], style.GREEN)
    epoch_budgets_figure.draw_reached(grid[0, 1], trains[0], style.GREEN, scale="log")
    for letter, axes, ends in zip("cd", grid[1], (tests, trains), strict=True):
        axes.set_title(f"({letter}) optimal rates for the {ends[0].metric.name}")
        colors = style.BLUE, style.VERMILLION
        for each, tuned, color in zip(found, ends, colors, strict=True):
            epoch_budgets_figure.draw_rates(axes, tuned, color, each.label)
    style.legend_above(drawn, *grid[1], grid[0, 0])
    return shown.Shown(drawn, _table(found))


def _table(found: "both_ends.Ends") -> pd.DataFrame:
    rows = []
    for budget in found.initial.test.budgets:
        for initial, final in (
            (found.initial.test, found.final.test),
            (found.initial.train, found.final.train),
        ):
            rows.append(
                {
                    "epochs": f"{budget:g}",
                    "best for": initial.metric.name,
                    "reached": optimum_words.score(initial.sweeps[budget]),
                    "initial rate": optimum_words.rate(initial.sweeps[budget]),
                    "final rate": optimum_words.rate(final.sweeps[budget]),
                }
            )
    return pd.DataFrame(rows)
