"""Jastrzebski et al. (2018), figure 4: loss and accuracy on the line between models."""

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes
from matplotlib import figure

from bsgen.figures import style
from bsgen.papers.jastrzebski_2018 import basin_widths, interpolations
from bsgen.studies import study

_ACCURACIES = {
    "training": (interpolations.TRAIN_ACCURACY, style.BLUE),
    "test": (interpolations.TEST_ACCURACY, style.VERMILLION),
}
_MARGIN = 3.0  # factor above and below the losses shown


def draw(results: study.Results) -> figure.Figure:
    """Draws the training loss above and accuracies below, a column a pair."""
    by_panel = dict(list(results.measurements.groupby("panel")))
    titles = [_title(lines.iloc[0]) for lines in by_panel.values()]
    drawn, grid = style.panels(titles, num_rows=2)
    shown = []
    for (above, below), lines in zip(grid.T, by_panel.values(), strict=True):
        losses = np.log(lines[basin_widths.LOSS].astype(float))
        table = np.exp(_by_seed(lines.assign(logarithm=losses), "logarithm"))
        style.band(above, table, style.BLUE, "training loss", logarithmic=True)
        for label, (column, color) in _ACCURACIES.items():
            style.band(below, _by_seed(lines, column), color, label)
        _ends(above, below, lines.iloc[0])
        shown.append(table)
    values = pd.concat(shown).to_numpy()
    lowest, highest = np.nanmin(values) / _MARGIN, np.nanmax(values) * _MARGIN
    for above in grid[0]:
        above.set(yscale="log", ylim=(lowest, highest))
    grid[0, 0].set_ylabel("training loss")
    grid[1, 0].set_ylabel("accuracy")
    grid[1, 0].legend(loc="best")
    return drawn


def _title(pair: pd.Series) -> str:
    words = "equal ratios" if interpolations.same_ratio(pair) else "different ratios"
    return f"{pair['model']}, {words}"


def _by_seed(lines: pd.DataFrame, column: str) -> pd.DataFrame:
    """Returns one row an alpha, one column a seed: the mean of its two lines."""
    table = lines.pivot(index="alpha", columns=["seed", "crossed"], values=column)
    one, other = (
        table.xs(crossed, axis=1, level="crossed").astype(float)
        for crossed in (False, True)
    )
    return (one + other) / 2


def _ends(above: mpl_axes.Axes, below: mpl_axes.Axes, pair: pd.Series) -> None:
    """Marks both ends, and writes what they were trained with."""
    for axes in (above, below):
        for end in (0, 1):
            axes.axvline(end, color=style.GREY, ls=":", lw=1)
    for end, prefix in enumerate(("", "other_")):
        above.text(
            end,
            0.98,
            f"{pair[prefix + 'learning_rate']:g} / {pair[prefix + 'batch_size']}",
            transform=above.get_xaxis_transform(),
            ha="center",
            va="top",
            fontsize=8,
            bbox={"color": "w", "pad": 1},
        )
    below.set_xlabel(r"interpolation coefficient $\alpha$")
