"""Draws table 1 of Hoffer et al. (2017), and lists it beside the paper's numbers."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes

from bsgen.figures import style
from bsgen.papers.hoffer_2017.regimes import LB, SB, STAGES
from bsgen.statistics import Interval
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.hoffer_2017 import table1

_APART = 0.08  # between rows sideways, in stages
_SHOWN = (-1.0, 1.5)  # of the share that remains: intervals may be without end


def show(found: "table1.Table") -> shown.Shown:
    """Draws a line for each row; lists its accuracies, and what remains of the gap."""
    drawn, grid = style.panels(["accuracy minus that of SB", "share of the gap left"])
    for place, row in enumerate(found.rows):
        color = style.sequential(place / max(1, len(found.rows) - 1))
        aside = _APART * (place - (len(found.rows) - 1) / 2)
        _draw(grid[0], row, color, aside)
    for axes, label in zip(grid[0], ("accuracy", "gap / gap of LB"), strict=True):
        axes.axhline(0, color=style.GREY, lw=1)
        axes.set(ylabel=label, xticks=range(len(STAGES)), xticklabels=STAGES)
    grid[0, 1].set_ylim(*_SHOWN)
    grid[0, 0].legend(loc="best")
    lines = [line for row in found.rows for line in _lines(row)]
    return shown.Shown(
        drawn, pd.DataFrame(lines, columns=["network", "number", *STAGES])
    )


def _draw(
    panels: np.ndarray, row: "table1.Row", color: tuple[float, ...], aside: float
) -> None:
    stages = list(row.accuracies)
    if SB not in stages:
        return
    gains = {stage: row.gain(stage, SB).interval() for stage in stages}
    _points(panels[0], gains, color, aside, row.regime.name)
    if LB not in stages:
        return
    left = {stage: row.remaining(stage).interval() for stage in stages}
    _points(panels[1], left, color, aside, row.regime.name)
    places = [place + aside for place in range(len(STAGES))]
    panels[1].plot(places, _of_paper(row), "--", color=color, lw=0.8)


def _points(
    axes: mpl_axes.Axes,
    found: dict[str, Interval],
    color: tuple[float, ...],
    aside: float,
    label: str,
) -> None:
    table = pd.DataFrame(found.values(), columns=Interval._fields)
    ends = table.where(np.isfinite(table), table["value"], axis=0)
    places = [STAGES.index(stage) + aside for stage in found]
    style.error_bars(axes, places, ends, fmt="o-", color=color, label=label)


def _of_paper(row: "table1.Row") -> list[float]:
    """Returns the share of the gap that remains at each stage in the paper."""
    paper = row.regime.paper
    gap = paper[SB] - paper[LB]
    return [(paper[SB] - paper[stage]) / gap for stage in STAGES]


def _lines(row: "table1.Row") -> list[list[str]]:
    """Returns the lines of a row, ours and the paper's; narrow, for a terminal."""
    ours = {stage: row.accuracy(stage).interval() for stage in row.accuracies}
    lines = [
        [row.regime.name, "accuracy", *_cells(ours, lambda each: f"{each.value:.2%}")],
        ["", "±", *_cells(ours, lambda each: _finite(each.upper - each.value, "%"))],
    ]
    if {SB, LB} <= set(ours):
        left = {s: row.remaining(s).interval() for s in ours if s not in (SB, LB)}
        lines += [
            ["", "gap left", *_cells(left, lambda each: f"{each.value:.2f}")],
            ["", "from", *_cells(left, lambda each: _finite(each.lower))],
            ["", "to", *_cells(left, lambda each: _finite(each.upper))],
        ]
    name = f"paper: {row.regime.row}"
    shares = dict(zip(STAGES, _of_paper(row), strict=True))
    lines.append([name, "accuracy", *_cells(row.regime.paper, "{:.2%}".format)])
    lines.append(["", "gap left", *_cells(shares, "{:.2f}".format)])
    return lines


def _cells(found: Mapping[str, Any], text: Callable[[Any], str]) -> list[str]:
    """Returns the text of what there is of each stage."""
    return [text(found[stage]) if stage in found else "" for stage in STAGES]


def _finite(number: float, unit: str = "f") -> str:
    """Returns a number with two digits, in percent for that unit; or nothing."""
    return f"{number:.2{unit}}" if np.isfinite(number) else ""
