"""Draws table 1 of Hoffer et al. (2017), and lists it beside the paper's numbers."""

from typing import TYPE_CHECKING

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
    """Returns the lines of a row: accuracy and what remains, ours and the paper's."""
    stages = list(row.accuracies)
    accuracies = {stage: _percent(row.accuracy(stage).interval()) for stage in stages}
    lines = [[row.regime.name, "accuracy, %", *_cells(accuracies)]]
    if {SB, LB} <= set(stages):
        left = {stage: row.remaining(stage).interval() for stage in stages}
        shares = {stage: f"{each.value:.2f}" for stage, each in left.items()}
        ends = {stage: _ends(each) for stage, each in left.items()}
        lines.append(["", "gap left", *_cells(shares)])
        lines.append(["", "from, to", *_cells(ends)])
    paper = {stage: f"{100 * value:.2f}" for stage, value in row.regime.paper.items()}
    lines.append([f"paper: {row.regime.row}", "accuracy, %", *_cells(paper)])
    of_paper = zip(STAGES, _of_paper(row), strict=True)
    shares = {stage: f"{share:.2f}" for stage, share in of_paper}
    lines.append(["", "gap left", *_cells(shares)])
    return lines


def _cells(texts: dict[str, str]) -> list[str]:
    return [texts.get(stage, "") for stage in STAGES]


def _percent(found: Interval) -> str:
    """Returns "98.25±0.20", without a reach for a single seed."""
    reach = found.upper - found.value
    words = f"{100 * found.value:.2f}"
    return f"{words}±{100 * reach:.2f}" if np.isfinite(reach) else words


def _ends(found: Interval) -> str:
    """Returns "0.21, 0.52", and nothing where the share is known or has no ends."""
    ends = np.array([found.lower, found.upper])
    if not np.isfinite(ends).all() or np.ptp(ends) < 1e-6:
        return ""
    return f"{found.lower:.2f}, {found.upper:.2f}"
