"""Draws figures 5 to 7 of Smith & Le (2017): accuracies, and their optimum."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes

from bsgen.figures import style
from bsgen.papers.smith_le_2017 import accuracy_panel
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.smith_le_2017 import scaling_rules

_LOGARITHMIC = {"learning_rate": (1, 3), "train_size": (1, 2, 5)}  # with their ticks


def show(found: "scaling_rules.Scaling") -> shown.Shown:
    """Draws accuracy by batch size, and B_opt by the setting with its prediction."""
    rule = found.rule
    titles = [accuracy_panel.TITLE, f"optimum batch size by {rule.name}"]
    drawn, grid = style.panels(titles)
    left, right = grid[0]
    accuracy_panel.draw(left, found.sweeps)
    left.legend(title=f"{rule.name} {rule.symbol}", loc="best")
    if found.fitted:
        _predicted(right, found)
    _optima(right, found)
    right.set(yscale="log", ylabel="optimum batch size $B_{opt}$")
    right.set_xlabel(f"{rule.name} {rule.symbol}")
    right.margins(y=0.3)  # room for the legend
    style.plain_numbers(right.yaxis, (1, 2, 5))
    if rule.column in _LOGARITHMIC:
        right.set_xscale("log")
        style.plain_numbers(right.xaxis, _LOGARITHMIC[rule.column])
    right.legend(loc="best")
    return shown.Shown(drawn, table(found))


def table(found: "scaling_rules.Scaling") -> pd.DataFrame:
    """Returns the optimum at each setting, and whether the fit uses it."""
    fitted = {sweep.setting for sweep in found.fitted}
    rows = []
    for sweep in found.sweeps:
        lower, upper = sweep.best.interval()[1:]
        spread = sweep.accuracies.loc[sweep.best.batch_size].std()
        rows.append(
            {
                found.rule.name: sweep.setting,
                "B_opt": sweep.best.batch_size,
                "95 % interval": f"{lower:.3g} to {upper:.3g}",
                "accuracy": f"{sweep.best.accuracy:.4f} ± {spread:.4f}",
                "fitted": "yes" if sweep.setting in fitted else "no",
                "B missing": ", ".join(map(str, sweep.missing)),
            }
        )
    made = pd.DataFrame(rows)
    return made if any(made["B missing"]) else made.drop(columns="B missing")


def _predicted(axes: mpl_axes.Axes, found: "scaling_rules.Scaling") -> None:
    """Draws B_opt ~ predicted(setting) through the geometric mean of the fitted."""
    predicted = found.rule.predicted
    scaled = [predicted(sweep.setting) for sweep in found.fitted]
    sizes = np.array([sweep.best.batch_size for sweep in found.fitted])
    constant = np.exp(np.log(sizes / scaled).mean())
    x = np.linspace(found.sweeps[0].setting, found.sweeps[-1].setting, 200)
    label = "predicted: exponent 1"
    axes.plot(x, constant * predicted(x), color=style.GREEN, label=label)
    value, lower, upper = found.exponent.interval()
    if np.isfinite(value):
        text = f"fitted: {value:.2f} ({lower:.2f} to {upper:.2f})"
        axes.plot([], [], " ", label=text)


def _optima(axes: mpl_axes.Axes, found: "scaling_rules.Scaling") -> None:
    """Draws the optimum of each setting, hollow where it is not fitted."""
    used = {sweep.setting for sweep in found.fitted}
    colors = accuracy_panel.colors(found.sweeps)
    for color, sweep in zip(colors, found.sweeps, strict=True):
        best, interval, x = sweep.best, sweep.best.interval(), sweep.setting
        axes.vlines(x, best.lower, best.upper, color=color, lw=6, alpha=0.25)
        axes.plot([x, x], [interval.lower, interval.upper], "_-", color=color, lw=1)
        inside = color if x in used else "white"
        axes.plot(x, best.batch_size, "o", color=color, mfc=inside, ms=6)
    axes.plot([], [], color=style.GREY, lw=6, alpha=0.4, label="next sizes tried")
    axes.plot([], [], "_-", color=style.GREY, lw=1, label="95 % bootstrap")
    if len(used) < len(found.sweeps):
        axes.plot([], [], "o", color=style.GREY, mfc="white", label="not fitted")
