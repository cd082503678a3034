"""Draws optima against the batch size: the panels of figures 1, 6, 7 and 8.

Smith, Elsen & De (2020), sections 5 and 6 and appendices C and D.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib import axes as mpl_axes
from matplotlib import figure as mpl_figure
from matplotlib import ticker

from bsgen.figures import style
from bsgen.papers.smith_elsen_de_2020.optima import Metrics, Optima
from bsgen.studies import best_runs

PANELS = (
    "(a) Test metric of the best runs at the optimal learning rate, mean and standard "
    "deviation over the runs that count, against the batch size; (b) the final "
    "training loss of the same runs; (c) the optimal effective learning rate, learning "
    "rate / (1 - momentum), with the rates whose mean lies within one standard "
    "deviation of the best; a white marker has an error bar that touches the end of "
    "the rates tried."
)
_ASIDE = 1.06  # between the two methods, as a factor of the batch size


def label(momentum: float) -> str:
    """Returns the name of a method in a legend."""
    return f"SGD with momentum {momentum:g}" if momentum else "SGD"


def color(momentum: float) -> str:
    """Returns the colour of a method."""
    return style.VERMILLION if momentum else style.BLUE


def draw(
    found: Optima,
    metrics: Metrics,
    lines: Mapping[float, Callable[[np.ndarray], np.ndarray]] | None = None,
    exponent: float = 1.0,
) -> mpl_figure.Figure:
    """Draws the three panels.

    Args:
      found: the optima.
      metrics: in words.
      lines: of each momentum, the fitted rate at batch sizes; dashed in panel (c).
      exponent: of the dotted line there, a rate against the batch size.
    """
    titles = [f"optimal {metrics.test}", metrics.training, "optimal effective rate"]
    drawn, ((test, training, rate),) = style.panels(titles)
    for place, (momentum, sweeps) in enumerate(found.items()):
        sizes = np.array(list(sweeps), float) * _ASIDE ** (place - (len(found) - 1) / 2)
        looks = {"color": color(momentum), "label": label(momentum)}
        rows = [sweep.optimum for sweep in sweeps.values()]
        spread = [row["std"] for row in rows]
        test.errorbar(sizes, [row["mean"] for row in rows], spread, fmt="o-", **looks)
        training.plot(sizes, [row[metrics.column] for row in rows], "o-", **looks)
        _rates(rate, sizes, sweeps, looks)
        if lines and momentum in lines:
            exact = np.geomspace(min(sweeps), max(sweeps))
            rate.plot(exact, lines[momentum](exact), "--", color=looks["color"], lw=1)
    _finish_test(test, found, metrics)
    training.set(yscale="log", ylabel=metrics.training)
    style.plain_numbers(training.yaxis, (1, 2, 5))
    rate.set_yscale("log", base=2)
    if lines:
        rate.plot([], [], "--", color="black", lw=1, label="fit")
    _guide(rate, found, exponent)
    rate.set(ylabel=r"effective learning rate, $\epsilon\, /\, (1 - m)$")
    every = sorted({size for sweeps in found.values() for size in sweeps})
    for axes in (test, training, rate):
        axes.set(xscale="log", xlabel="batch size $B$")
        few = every[:: 1 + (len(every) - 1) // 6]
        axes.set_xticks(few, [f"{size:,}" for size in few])
        axes.xaxis.set_minor_locator(ticker.NullLocator())
    style.legend_above(drawn, test, training, rate)
    return drawn


def _rates(
    axes: mpl_axes.Axes,
    places: np.ndarray,
    sweeps: Mapping[int, best_runs.Sweep],
    looks: dict[str, Any],
) -> None:
    found = list(sweeps.values())
    best = np.array([sweep.best for sweep in found])
    low, high = (
        np.array([getattr(sweep, end) for sweep in found]) for end in ("low", "high")
    )
    axes.errorbar(places, best, (best - low, high - best), fmt="o-", **looks)
    cut = np.array([bool(sweep.edge) for sweep in found])
    if cut.any():
        hollow = {
            "mfc": "w",
            "mec": looks["color"],
            "label": "up to an end of the rates",
        }
        axes.plot(places[cut], best[cut], "o", zorder=4, **hollow)


def _finish_test(axes: mpl_axes.Axes, found: Optima, metrics: Metrics) -> None:
    axes.set(ylabel=metrics.test)
    every = [sweep for sweeps in found.values() for sweep in sweeps.values()]
    if every[0].selection.higher_is_better:
        ends = [
            sweep.optimum["mean"] + k * sweep.optimum["std"]
            for sweep in every
            for k in (-1, 1)
        ]
        style.accuracy_axis(axes, min(ends), min(max(ends), 1.0))


def _guide(axes: mpl_axes.Axes, found: Optima, exponent: float) -> None:
    """Draws a power of the batch size, through the smallest optimum."""
    sweeps = next(iter(found.values()))
    sizes = np.array([min(sweeps), max(sweeps)], float)
    rates = sweeps[min(sweeps)].best * (sizes / sizes[0]) ** exponent
    bottom, top = axes.get_ylim()
    label = f"slope {exponent:g}"
    axes.plot(sizes, rates, ":", color=style.GREY, lw=1, zorder=0, label=label)
    axes.set_ylim(bottom, top)
