"""Draws figure 1 of Hoffer et al. (2017): errors against the batch size."""

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib import axes as mpl_axes
from matplotlib import ticker

from bsgen.figures import style
from bsgen.papers.hoffer_2017 import error_curves_figure
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.hoffer_2017 import generalization_gap

_COLORS = {"test": style.BLUE, "train": style.VERMILLION}
_WORDS = {"test": "test set", "train": "training set"}


def show(sizes: "generalization_gap.Sizes") -> shown.Shown:
    """Draws error during training, and errors and cross-entropies at the end."""
    titles = ["test error during training", "error at the end", "loss at the end"]
    drawn, ((left, middle, right),) = style.panels(titles)
    colors = error_curves_figure.batch_size_colors(sizes.by_size)
    for size, each in sizes.by_size.items():
        error_curves_figure.draw(left, each, colors[size], f"{size:,}")
    error_curves_figure.mark_drops(left, sizes.by_size[sizes.small])
    error_curves_figure.error_axis(left, sizes.by_size.values())
    left.legend(title="batch size $B$", loc="upper right", ncols=2)
    for part, color in _COLORS.items():
        _against_size(middle, sizes.final(part), color, _WORDS[part])
        _against_size(right, _losses(sizes, part), color, _WORDS[part], True)
    for axes in (middle, right):
        axes.axvline(sizes.small, color=style.GREY, ls="--", lw=1, zorder=0)
        axes.set(xscale="log", xlabel="batch size $B$")
        axes.set_xticks(list(sizes.by_size), [f"{size:,}" for size in sizes.by_size])
        axes.xaxis.set_minor_locator(ticker.NullLocator())
    middle.legend(loc="upper left")
    middle.set(ylabel="error", ylim=(min(0.0, middle.get_ylim()[0]), None))
    right.set(yscale="log", ylabel="mean cross-entropy (nats)")
    style.plain_numbers(right.yaxis, (1, 2, 5))
    return shown.Shown(drawn)


def _against_size(
    axes: mpl_axes.Axes,
    table: pd.DataFrame,
    color: str,
    label: str,
    logarithmic: bool = False,
) -> None:
    """Draws the mean over seeds against the batch size, and its interval."""
    found = style.over_seeds(table, logarithmic)
    style.error_bars(
        axes, found.index.to_numpy(float), found, fmt="o-", color=color, label=label
    )


def _losses(sizes: "generalization_gap.Sizes", part: str) -> pd.DataFrame:
    """Returns the cross-entropies at the end, one row a batch size, by seed."""
    column = f"final_{part}_cross_entropy"
    return pd.DataFrame(
        {size: each.runs[column] for size, each in sizes.by_size.items()}, dtype=float
    ).T
