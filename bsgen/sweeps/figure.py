"""The picture of a sweep: a panel an axis, the metric against its values.

The lines of a panel are the values of the next axis; where there are more than two,
the others have the values of the best setting.
"""

import math
import textwrap
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes
from matplotlib import figure

from bsgen.figures import style
from bsgen.sweeps import results
from bsgen.sweeps.results import Summary

_COLUMNS = 3  # panels side by side
_MAX_LABELS = 8  # in a legend; of more lines some are named
_MANY_TICKS = 8
_WIDE = 4.0  # an axis whose values differ by such a factor is logarithmic
_LONGEST_LABEL = 18  # characters of a line
_MOST = 0.999  # an interval may reach beyond 1
_BOTTOM = 0.02  # where the crosses stand


def draw(summary: Summary) -> figure.Figure:
    """Draws the first metric of a summary.

    Means over seeds with their 95 % t intervals; a cross where a run has diverged (and
    no mean, since one over the others would flatter), a star at the best setting.

    Args:
      summary: with one metric at least.
    """
    names = summary.axes
    width = min(len(names), _COLUMNS)
    with mpl.rc_context(style.SETTINGS):
        height = math.ceil(len(names) / width)
        drawn, grid = style.panels([*names[:width]], height)
        for place, axes in enumerate(grid.ravel()):
            if place >= len(names):
                axes.remove()
                continue
            axes.set_title(f"({chr(ord('a') + place)}) {_words(names[place])}")
            by = names[(place + 1) % len(names)]
            _panel(axes, summary, names[place], by if len(names) > 1 else None)
        drawn.supxlabel(_footer(summary), x=0.99, ha="right")
    return drawn


def _panel(axes: mpl_axes.Axes, summary: Summary, name: str, by: str | None) -> None:
    shown = _slice(summary, name, by)
    places = _place(axes, name, shown[name])
    lines = [(None, shown)]
    if by is not None:
        is_ordered = pd.api.types.is_numeric_dtype(shown[by])
        lines = list(shown.groupby(by, sort=is_ordered))
    step = math.ceil(len(lines) / _MAX_LABELS)
    for number, (value, rows) in enumerate(lines):
        color: Any = style.BLUE
        if by is not None:
            color = style.sequential(number / max(len(lines) - 1, 1))
        is_named = by is not None and number % step == 0
        label = _cell(value) if is_named else None
        _line(axes, summary, rows, [places[v] for v in rows[name]], color, label)
    best = summary.best
    if best is not None:
        at = places[summary.settings.at[best, name]]
        score = summary.settings.at[best, summary.metrics[0]]
        axes.plot(at, score, "*", color="black", mfc="none", ms=13)
    _finish(axes, summary, shown)
    if by is not None:
        axes.legend(title=_words(by))


def _line(
    axes: mpl_axes.Axes,
    summary: Summary,
    rows: pd.DataFrame,
    places: list[float],
    color: Any,
    label: str | None,
) -> None:
    """Draws one line; where a run has diverged there is a cross instead of a mean."""
    metric = summary.metrics[0]
    order = np.argsort(places)
    rows, at = rows.iloc[order], np.array(places)[order]
    found = rows[[metric, f"{metric}_lower", f"{metric}_upper"]].set_axis(
        ["value", "lower", "upper"], axis=1
    )
    found = found.where(np.isfinite(found), found["value"], axis=0)  # of a single seed
    looks = {"color": color, "label": label, "elinewidth": 0.8}
    style.error_bars(axes, at, found, fmt="o-", **looks)
    lost = at[rows["diverged"].to_numpy() > 0]
    bottom = axes.get_xaxis_transform()
    axes.plot(lost, np.full(len(lost), _BOTTOM), "x", color=color, transform=bottom)


def _slice(summary: Summary, name: str, by: str | None) -> pd.DataFrame:
    """Returns the settings that agree with the best one on all other axes."""
    shown = summary.settings
    best = shown.loc[shown.index[0] if summary.best is None else summary.best]
    for other in summary.axes:
        if other not in (name, by):
            shown = shown[shown[other] == best[other]]
    return shown


def _place(axes: mpl_axes.Axes, name: str, values: pd.Series) -> dict[Any, float]:
    """Prepares the x axis; returns the place of each value."""
    axes.set_xlabel(_words(name))
    distinct = list(dict.fromkeys(values))
    if any(isinstance(value, str) for value in distinct):
        axes.set_xticks(range(len(distinct)), [_cell(value) for value in distinct])
        axes.margins(x=0.15)
        return dict(zip(distinct, range(len(distinct)), strict=True))
    low, high = min(distinct), max(distinct)
    if low > 0 and high / low >= _WIDE:
        axes.set_xscale("log")
        is_short = len(distinct) <= _MANY_TICKS
        style.plain_numbers(axes.xaxis, (1, 2, 5) if high / low < 100 else (1,))
        if is_short:
            axes.set_xticks(distinct, [_cell(value) for value in distinct])
            axes.minorticks_off()
    return {value: float(value) for value in distinct}


def _finish(axes: mpl_axes.Axes, summary: Summary, shown: pd.DataFrame) -> None:
    metric = summary.metrics[0]
    axes.set_ylabel(_words(metric))
    means = shown[metric].dropna()
    if means.empty:
        axes.text(0.5, 0.5, "no mean to show", transform=axes.transAxes, ha="center")
        axes.set_yticks([])
    elif metric.endswith("accuracy"):
        if means.min() < 0.8 < means.max():
            ends = shown[f"{metric}_upper"].clip(upper=_MOST)  # of intervals
            highest = pd.concat([means, ends[np.isfinite(ends)]]).max()
            style.accuracy_axis(axes, max(means.min(), 0.0), highest)
        else:  # an interval may reach beyond what is possible
            low, high = axes.get_ylim()
            axes.set_ylim(max(low, 0.0), min(high, 1.0))


def _footer(summary: Summary) -> str:
    counts = summary.counts
    parts = [f"{sum(counts.values()):,} runs, {summary.num_seeds} seeds"]
    if counts[results.DIVERGED]:
        parts.append(f"{counts[results.DIVERGED]:,} diverged (crosses)")
    for status in (results.FAILED, results.MISSING):
        if counts[status]:
            parts.append(f"{counts[status]:,} {status}")
    if summary.best is not None:
        how = "validation" if summary.by_validation else "the test set"
        parts.append(f"star: best by {how}")
    if summary.num_seeds > 1:
        parts.append("bars: 95 % t intervals")
    if len(summary.axes) > 2:
        parts.append("other axes as at the star")
    return "  ·  ".join(parts)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: Any) -> str:
    """Returns a value as the label of a tick or a line; long ones in several lines."""
    if isinstance(value, str):
        return "\n".join(textwrap.wrap(value, _LONGEST_LABEL)) or value
    return f"{value:g}"
