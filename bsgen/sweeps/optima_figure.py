"""The picture of a protocol's optima, as figure 1 of Smith, Elsen & De (2020).

The best score, the training loss and the optimal learning rate against the batch size,
or against the budget; and the score at every rate.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes
from matplotlib import figure

from bsgen.figures import style
from bsgen.sweeps.grid import EPOCHS
from bsgen.sweeps.optima import Optima

_MOST_LABELS = 6  # in a legend; of more lines some are named
_WIDE = 4.0  # an axis whose values differ by such a factor is logarithmic
_LINES = ("-", "--", ":", "-.")
_LEAST: dict[str, Any] = {
    "ls": "--",
    "lw": 1.0,
    "marker": "s",
    "mfc": "none",
    "ms": 3.5,
}


def draw(optima: Optima) -> figure.Figure:
    """Draws score, training loss and optimal rate, and below the score at all rates."""
    table = optima.table()
    name = _along(optima)
    metric = optima.protocol.metric.replace("_", " ")
    with mpl.rc_context(style.SETTINGS):
        drawn, grid = style.panels([f"best {metric}", "training loss"], 2)
        upper, (rates, every) = grid
        rates.set_title("(c) optimal learning rate")
        every.set_title(f"(d) {metric} at every rate")
        for number, (label, rows) in enumerate(_lines(optima, table, name)):
            color = style.COLORS[number % len(style.COLORS)]
            _optima([*upper, rates], rows, _places(table, name, rows), color, label)
        _every_rate(every, optima, table, name)
        for axes in (*upper, rates):
            _x_axis(axes, table, name)
        for axes in (upper[1], rates):
            axes.plot(
                [], [], color="black", label="for the least training loss", **_LEAST
            )
        style.legend_above(drawn, *upper, rates)
        if every.get_legend_handles_labels()[1]:
            every.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
        upper[1].set_yscale("log")
        style.plain_numbers(upper[1].yaxis, (1, 2, 5))
        rates.set_yscale("log", base=2)
        rates.set_ylabel(optima.rate.replace("_", " "))
        upper[0].set_ylabel(f"{optima.protocol.part} {metric}")
        upper[1].set_ylabel(optima.protocol.loss.replace("_", " "))
        every.set_xscale("log", base=2)
        every.set_xlabel(optima.rate.replace("_", " "))
        drawn.supxlabel(_footer(optima), x=0.99, ha="right")
    return drawn


def _along(optima: Optima) -> str | None:
    """Returns the axis along which the optima are drawn."""
    first = EPOCHS if optima.protocol.budget == "epoch_budgets" else "batch_size"
    return first if first in optima.axes else next(iter(optima.axes), None)


def _lines(
    optima: Optima, table: pd.DataFrame, name: str | None
) -> list[tuple[str | None, pd.DataFrame]]:
    """Returns the settings of each line, with its label."""
    others = [axis for axis in optima.axes if axis != name]
    if not others:
        return [(None, table)]
    groups = table.groupby(others, dropna=False)
    return [(_words(others, key), rows) for key, rows in groups]


def _optima(
    panels: Sequence[mpl_axes.Axes],
    rows: pd.DataFrame,
    places: Sequence[float],
    color: Any,
    label: str | None,
) -> None:
    score, loss, rate = panels
    looks: dict[str, Any] = {"color": color, "label": label}
    score.errorbar(places, rows["score"], rows["std"], fmt="o-", **looks)
    loss.plot(places, rows["train_loss"], "o-", **looks)
    loss.plot(places, rows["loss"], color=color, **_LEAST)
    ends = rows["rate"] - rows["rate_low"], rows["rate_high"] - rows["rate"]
    rate.errorbar(places, rows["rate"], ends, fmt="o-", **looks)
    rate.plot(places, rows["loss_rate"], color=color, **_LEAST)


def _every_rate(
    axes: mpl_axes.Axes, optima: Optima, table: pd.DataFrame, name: str | None
) -> None:
    """Draws the mean of the best runs at each rate, with a star at the optimum."""
    values = list(dict.fromkeys(table[name])) if name else [()]
    last = max(len(values) - 1, 1)
    colors = {v: style.sequential(place / last) for place, v in enumerate(values)}
    if name:
        for value in values[:: -(-len(values) // _MOST_LABELS)]:
            axes.plot([], [], color=colors[value], label=_words([name], [value]))
    for number, (label, rows) in enumerate(_lines(optima, table, name)):
        dashes = _LINES[number % len(_LINES)]
        axes.plot([], [], color="black", ls=dashes, label=label)
        for key in rows[list(optima.axes)].itertuples(index=False, name=None):
            found = optima.by_score[key]
            color = colors[key[optima.axes.index(name)] if name else ()]
            means = found.rates["mean"].where(np.isfinite(found.rates["mean"]))
            axes.plot(means.index, means, "o", ms=2, lw=1, color=color, ls=dashes)
            if not np.isnan(found.best):
                axes.plot(found.best, means[found.best], "*", color=color, ms=9)
    means = pd.concat([found.rates["mean"] for found in optima.by_score.values()])
    lowest, highest = float(means.min()), float(means.max())
    if not optima.protocol.higher_is_better:
        axes.set_yscale("log")
    elif 0 <= lowest < 0.8 < highest <= 1:
        style.accuracy_axis(axes, lowest, highest)


def _places(table: pd.DataFrame, name: str | None, rows: pd.DataFrame) -> list[float]:
    """Returns where settings stand on the x axis."""
    if name is None:
        return [0.0] * len(rows)
    if pd.api.types.is_numeric_dtype(table[name]):
        return [float(value) for value in rows[name]]
    distinct = list(dict.fromkeys(table[name]))
    return [float(distinct.index(value)) for value in rows[name]]


def _x_axis(axes: mpl_axes.Axes, table: pd.DataFrame, name: str | None) -> None:
    if name is None:
        axes.set_xticks([])
        return
    axes.set_xlabel(name.replace("_", " "))
    values = list(dict.fromkeys(table[name]))
    if not pd.api.types.is_numeric_dtype(table[name]):
        axes.set_xticks(range(len(values)), values)
    elif min(values) > 0 and max(values) >= _WIDE * min(values):
        axes.set_xscale("log", base=2)
        axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.minorticks_off()


def _footer(optima: Optima) -> str:
    protocol = optima.protocol
    parts = [
        f"best {protocol.keep} of {protocol.of} runs by {protocol.part}",
        "bars in (a): 1 standard deviation; in (c): rates within it",
        "star: optimum",
    ]
    if edges := len(optima.edges()):
        parts.append(f"{edges} settings touch an edge of their rates")
    return "  ·  ".join(parts)


def _words(names: Sequence[str], key: Sequence[Any]) -> str:
    cells = (f"{v:g}" if isinstance(v, int | float) else str(v) for v in key)
    return ", ".join(
        f"{name.replace('_', ' ')} {cell}"
        for name, cell in zip(names, cells, strict=True)
    )
