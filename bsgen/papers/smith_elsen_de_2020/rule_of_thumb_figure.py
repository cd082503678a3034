"""Draws the rule of thumb of Smith, Elsen & De (2020) beside the full sweep."""

import collections
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes
from matplotlib import ticker

from bsgen.figures import style
from bsgen.papers.smith_elsen_de_2020 import optima_figure
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.smith_elsen_de_2020 import rule_of_thumb

label = optima_figure.label
_AREA = 25.0  # of a diamond, in points squared for each application
_BELOW = 0.03  # accuracy that the axis shows below the worst optimum
_LEAST = 1e-4  # accuracy lost that is shown


def show(found: "Mapping[float, rule_of_thumb.Applied]") -> shown.Shown:
    """Draws accuracy and rate against the batch size, and lists the applications."""
    titles = ["test accuracy", "effective rate", "cost and loss"]
    drawn, ((test, rate, cost),) = style.panels(titles)
    for momentum, each in found.items():
        looks = {"color": optima_figure.color(momentum), "label": label(momentum)}
        sizes = np.array(list(each.sweeps), float)
        rows = [sweep.optimum["mean"] for sweep in each.sweeps.values()]
        test.plot(sizes, rows, "o-", **looks)
        rate.plot(sizes, [s.best for s in each.sweeps.values()], "o-", **looks)
        exact = np.geomspace(sizes[0], sizes[-1])
        rate.plot(exact, each.regimes.line(exact), "--", color=looks["color"], lw=1)
        _recommended(test, rate, each, looks["color"], _lowest(found))
        costs = 100 * np.array(each.costs)
        cost.plot(costs, _floored(each.lost), "D", alpha=0.6, **looks)
        cost.plot(costs, _floored(each.lost_at_half), "o", mfc="none", **looks)
    every = sorted({size for each in found.values() for size in each.sweeps})
    for axes in (test, rate):
        axes.set(xscale="log", xlabel="batch size $B$")
        few = every[:: 1 + (len(every) - 1) // 6]
        axes.set_xticks(few, [f"{size:,}" for size in few])
        axes.xaxis.set_minor_locator(ticker.NullLocator())
    style.accuracy_axis(test, _lowest(found), max(each.best for each in found.values()))
    test.set_ylabel("test accuracy")
    rate.set_yscale("log", base=2)
    rate.set_ylabel(r"effective learning rate, $\epsilon\, /\, (1 - m)$")
    cost.set(
        yscale="log",
        xlabel="examples, % of the full sweep",
        ylabel="accuracy lost",
    )
    grey: dict[str, Any] = {"color": style.GREY, "ls": ""}
    test.plot([], [], "D", label="recommended", **grey)
    test.plot([], [], "o", mfc="none", label="at half of that rate", **grey)
    style.legend_above(drawn, test)
    return shown.Shown(drawn, table(found))


def _lowest(found: "Mapping[float, rule_of_thumb.Applied]") -> float:
    """Returns where the accuracy axis begins: below all that trained."""
    sweeps = [sweep for each in found.values() for sweep in each.sweeps.values()]
    return min(float(sweep.optimum["mean"]) for sweep in sweeps) - _BELOW


def _floored(lost: list[float]) -> np.ndarray:
    """Returns losses that a logarithmic axis can show."""
    return np.maximum(lost, _LEAST)


def table(found: "Mapping[float, rule_of_thumb.Applied]") -> pd.DataFrame:
    """Returns a row for each application, and one for the full sweep above them.

    Of the sweep, B is the fitted boundary, and the rate the one beyond it.
    """
    rows = []
    for momentum, each in found.items():
        boundary = each.regimes.boundary.interval().value
        plateau = each.regimes.plateau.interval().value
        rows.append(
            {
                "m": momentum,
                "of": "full sweep",
                "B": boundary,
                "rate": plateau,
                "accuracy": each.best,
                "cost": "100%",
                "B, no loss": float(each.no_loss),
            }
        )
        for number, one in enumerate(each.found, 1):
            keep = 1 - momentum
            rows.append(
                {
                    "m": momentum,
                    "of": f"rule {number}",
                    "B": float(one.setting.batch_size),
                    "rate": one.setting.learning_rate / keep,
                    "accuracy": each.best - each.lost[number - 1],
                    "at half the rate": each.best - each.lost_at_half[number - 1],
                    "cost": f"{each.costs[number - 1]:.1%}",
                    "best at small B": one.best.learning_rate / keep,
                    "largest stable": one.largest.learning_rate / keep,
                }
            )
    return pd.DataFrame(rows)


def _recommended(
    test: mpl_axes.Axes,
    rate: mpl_axes.Axes,
    found: "rule_of_thumb.Applied",
    color: str,
    lowest: float,
) -> None:
    """Draws what the applications recommend, the larger the more agree."""
    counts: collections.Counter = collections.Counter()
    for one, lost in zip(found.found, found.lost, strict=True):
        effective = one.setting.learning_rate / (1 - one.setting.momentum)
        counts[(one.setting.batch_size, effective, found.best - lost)] += 1
    for (size, effective, reached), count in counts.items():
        accuracy = max(reached, lowest)
        for axes, height in ((test, accuracy), (rate, effective)):
            axes.scatter(
                size,
                height,
                s=_AREA * count,
                color=color,
                marker="D",
                alpha=0.5,
                lw=0,
                zorder=3,
            )
