"""Draws figures 5 to 7 of Smith & Le (2017): accuracies, and their optimum."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes

from bsgen.figures import style
from bsgen.papers.smith_le_2017 import accuracy_panel
from bsgen.studies import estimates, shown

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
    left.legend(
        title=f"{rule.name} {rule.symbol}",
        loc="upper center",
        bbox_to_anchor=(0.5, -0.16),  # below, as cliffs fill the panel
        ncols=len(found.sweeps),
        columnspacing=0.8,
        handlelength=0.8,
        frameon=False,
    )
    if found.fit.settings:
        _predicted(right, found)
    _optima(right, found)
    _breakdown(right, found)
    right.set(yscale="log", ylabel="optimum batch size $B_{opt}$")
    right.set_xlabel(f"{rule.name} {rule.symbol}")
    lowest, highest = right.get_ylim()
    room = max((highest / lowest) ** 0.35, 3)  # for the legend
    right.set_ylim(lowest, highest * room)
    style.plain_numbers(right.yaxis, (1, 2, 5))
    if rule.column in _LOGARITHMIC:
        right.set_xscale("log")
        style.plain_numbers(right.xaxis, _LOGARITHMIC[rule.column])
    right.legend(loc="upper left")
    return shown.Shown(drawn, table(found))


def table(found: "scaling_rules.Scaling") -> pd.DataFrame:
    """Returns the optimum at each setting, and below them the exponents."""
    name = found.rule.name
    rows = []
    for sweep in found.sweeps:
        best = sweep.best
        spread = sweep.accuracies.loc[best.batch_size].std()
        row = {
            name: f"{sweep.setting:g}",
            "best B tried": str(best.batch_size),
            "B_opt": "at the edge"
            if best.at_edge
            else _in_words(best.place.estimate()),
            "breaks down below": _in_words(sweep.breakdown.estimate()),
            "accuracy": f"{best.accuracy:.4f} ± {spread:.4f}",
            "fitted": "yes" if sweep.setting in found.fit.settings else "no",
        }
        if sweep.missing:
            row["B missing"] = ", ".join(map(str, sweep.missing))
        rows.append(row)
    for fit in found.fits:
        row = {
            name: f"exponent, {fit.label}" if fit.label else "exponent",
            "B_opt": _in_words(fit.exponent, ".2f"),
            "breaks down below": _in_words(fit.breakdown, ".2f"),
        }
        rows.append(row)
    return pd.DataFrame(rows).fillna("")


def _in_words(estimate: estimates.Estimate, form: str = ".3g") -> str:
    value, lower, upper = estimate.interval()
    if not np.isfinite(value):
        return "not seen"
    return f"{value:{form}} [{lower:{form}}, {upper:{form}}]"


def _predicted(axes: mpl_axes.Axes, found: "scaling_rules.Scaling") -> None:
    """Draws B_opt ~ predicted(setting) through the geometric mean of the fitted."""
    predicted, used = found.rule.predicted, found.fit.settings
    fitted = [sweep for sweep in found.sweeps if sweep.setting in used]
    optima = np.array([sweep.best.place.logs.mean() for sweep in fitted])
    constant = np.exp(np.mean(optima - np.log([predicted(s) for s in used])))
    x = np.linspace(found.claimed[0].setting, found.claimed[-1].setting, 200)
    label = "predicted: exponent 1"
    axes.plot(x, constant * predicted(x), color=style.GREEN, label=label)
    for fit in found.fits:
        if np.isfinite(fit.exponent.interval().value):
            which = f"fitted, {fit.label}" if fit.label else "fitted"
            text = f"{which}: {_in_words(fit.exponent, '.2f')}"
            axes.plot([], [], " ", label=text)


def _optima(axes: mpl_axes.Axes, found: "scaling_rules.Scaling") -> None:
    """Draws the optimum of each setting, hollow where it is not fitted."""
    colors = accuracy_panel.colors(found.sweeps)
    for color, sweep in zip(colors, found.sweeps, strict=True):
        best, x = sweep.best, sweep.setting
        axes.vlines(x, best.lower, best.upper, color=color, lw=6, alpha=0.25)
        value: float = best.batch_size
        if not best.at_edge:
            value, *ends = best.place.estimate().interval()
            axes.plot([x, x], ends, "_-", color=color, lw=1)
        inside = color if x in found.fit.settings else "white"
        axes.plot(x, value, "o", color=color, mfc=inside, ms=6)


def _breakdown(axes: mpl_axes.Axes, found: "scaling_rules.Scaling") -> None:
    """Draws the batch size below which training breaks down."""
    settings = [sweep.setting for sweep in found.sweeps]
    sizes = [np.exp(sweep.breakdown.logs.mean()) for sweep in found.sweeps]
    label = "size of breakdown"
    if np.isfinite(found.fit.breakdown.interval().value):
        label += f": {_in_words(found.fit.breakdown, '.2f')}"
    axes.plot(settings, sizes, "v:", color=style.GREY, lw=1, label=label)
