"""Draws figure 5 of Smith, Elsen & De (2020): all rates at two batch sizes."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import axes as mpl_axes

from bsgen.figures import style
from bsgen.papers.smith_elsen_de_2020 import optima, optima_figure
from bsgen.studies import best_runs, shown

if TYPE_CHECKING:
    from bsgen.papers.smith_elsen_de_2020 import learning_rate_sweeps

_LOSS = optima.ACCURACY.column
_HIGHEST = 1.5 * math.log(10)  # of the losses shown: a guess has log 10


def show(found: "learning_rate_sweeps.Found") -> shown.Shown:
    """Draws accuracy and loss of both methods, a column a batch size."""
    sizes = list(next(iter(found.optima.values())))
    titles = [f"batch size {size:,}" for size in sizes]
    drawn, grid = style.panels(titles, num_rows=2)
    for column, size in enumerate(sizes):
        tops, bottoms = grid[:, column]
        bottoms.set_title(f"({'cd'[column]}) batch size {size:,}")
        for momentum, sweeps in found.optima.items():
            _draw(tops, bottoms, sweeps[size], momentum)
        small = found.small_rates(size)
        for axes in (tops, bottoms):
            axes.set_xscale("log", base=2)
            axes.set(xlabel=r"effective learning rate, $\epsilon\, /\, (1 - m)$")
            if len(small):
                first = axes.get_xlim()[0]
                shade = {"alpha": 0.12, "lw": 0, "label": "small rates"}
                axes.axvspan(first, max(small), color=style.GREY, **shade)
                axes.set_xlim(first, None)
        bottoms.set(yscale="log", ylabel="final training loss")
        bottoms.set_ylim(None, min(bottoms.get_ylim()[1], _HIGHEST))
        style.plain_numbers(bottoms.yaxis, (1, 2, 5))
    ends = np.concatenate(
        [
            sweep.rates["mean"] + side * sweep.rates["std"]
            for sweeps in found.optima.values()
            for sweep in sweeps.values()
            for side in (-1, 1)
        ]
    )
    for axes in grid[0]:
        style.accuracy_axis(axes, max(ends.min(), 0.0), min(ends.max(), 1.0))
        axes.set(ylabel="test accuracy")
    style.legend_above(drawn, *grid[0])
    return shown.Shown(drawn)


def _draw(
    tops: mpl_axes.Axes,
    bottoms: mpl_axes.Axes,
    sweep: best_runs.Sweep,
    momentum: float,
) -> None:
    looks: dict[str, Any] = {
        "color": optima_figure.color(momentum),
        "label": optima_figure.label(momentum),
    }
    rates = sweep.rates
    tops.errorbar(rates.index, rates["mean"], rates["std"], fmt="o-", **looks)
    bottoms.plot(rates.index, rates[_LOSS], "o-", **looks)
