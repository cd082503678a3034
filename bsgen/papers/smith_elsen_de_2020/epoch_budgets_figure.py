"""Draws a range of epoch budgets: the best that is reached, and the optimal rates.

Smith, Elsen & De (2020), figures 2, 3, 9 and 10; see `epoch_budgets`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes
from matplotlib import ticker

from bsgen.figures import style
from bsgen.studies import optimum_words

if TYPE_CHECKING:
    from bsgen.papers.smith_elsen_de_2020.epoch_budgets import Budgets, Tuned

# For captions: what `draw_rates` draws.
RATES = (
    "Points are tops of parabolas through the means over seeds, thin bars their 95 % "
    "intervals over seeds and spacing; broad bars are the error bars of the paper, "
    "every rate whose mean lies within one standard deviation of the best, as in the "
    "table (< or >: up to an end of the rates tried)"
)
REACHED = (
    "mean and standard deviation of the best runs at the optimal rate, as in the "
    "paper; hollow: mean of all runs there"
)


def draw_reached(
    axes: mpl_axes.Axes,
    tuned: "Tuned",
    color: Any,
    label: str = "",
    scale: str = "linear",
) -> None:
    """Draws the metric at the optimal rate against the budget.

    Args:
      axes: where.
      tuned: of one network.
      color: of the line.
      label: in the legend.
      scale: of the y axis, "linear" or "log".
    """
    rows = pd.DataFrame([sweep.optimum for sweep in tuned.sweeps.values()])
    axes.errorbar(
        tuned.budgets, rows["mean"], rows["std"], fmt="o-", color=color, label=label
    )
    hollow: dict[str, Any] = {"mfc": "none", "ms": 7, "label": "mean of all runs"}
    axes.plot(tuned.budgets, rows["plain"], "o", color=color, **hollow)
    axes.set(ylabel=tuned.metric.name, yscale=scale)
    if scale == "log":
        style.plain_numbers(axes.yaxis, (1, 2, 5))
    epoch_axis(axes, tuned.budgets)


def draw_both_rates(axes: mpl_axes.Axes, found: "Budgets") -> None:
    """Draws the two optimal rates of a network against the budget."""
    for tuned, color in ((found.test, style.BLUE), (found.train, style.VERMILLION)):
        draw_rates(axes, tuned, color, f"for {tuned.metric.name}")


def draw_rates(axes: mpl_axes.Axes, tuned: "Tuned", color: Any, label: str) -> None:
    """Draws optimal rates against the budget.

    Args:
      axes: where.
      tuned: of one metric.
      color: of bars and points.
      label: in the legend.
    """
    sweeps = tuned.sweeps.values()
    lows, highs = [each.low for each in sweeps], [each.high for each in sweeps]
    axes.vlines(tuned.budgets, lows, highs, color=color, lw=6, alpha=0.25)
    found = pd.DataFrame([rate.interval() for rate in tuned.rates()])
    # Of a single seed intervals are without end.
    found = found.where(np.isfinite(found) & (found > 0), found["value"], axis=0)
    style.error_bars(axes, tuned.budgets, found, fmt="o-", color=color, label=label)
    axes.set(ylabel=r"optimal effective rate $\epsilon / (1 - m)$")
    axes.set_yscale("log", base=2)
    axes.yaxis.set_minor_locator(ticker.NullLocator())
    epoch_axis(axes, tuned.budgets)


def epoch_axis(axes: mpl_axes.Axes, budgets: Sequence[float]) -> None:
    """Makes the x axis one of epoch budgets."""
    axes.set(xscale="log", xlabel="epoch budget")
    axes.set_xticks(budgets, [f"{each:g}" for each in budgets])
    axes.xaxis.set_minor_locator(ticker.NullLocator())


def table(found: "Budgets") -> pd.DataFrame:
    """Returns what is reached at each budget, and by which rates."""
    rows = []
    for budget, sweep in found.test.sweeps.items():
        train = found.train.sweeps[budget]
        rows.append(
            {
                "epochs": f"{budget:g}",
                found.test.metric.name: optimum_words.score(sweep),
                "optimal rate": optimum_words.rate(sweep),
                found.train.metric.name: optimum_words.score(train),
                f"rate for {found.train.metric.name}": optimum_words.rate(train),
            }
        )
    return pd.DataFrame(rows)
