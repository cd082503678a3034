"""Draws figure 3 of Jastrzebski et al. (2018): curvature, accuracy and the ratio."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes

from bsgen import statistics
from bsgen.figures import style
from bsgen.papers.jastrzebski_2018 import grid_slopes
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.jastrzebski_2018 import grid

_ACCURACY, _LOSS = "final_test_accuracy", "final_train_cross_entropy"
_AFTER_EPOCHS = {
    "largest eigenvalue": "final_max_eigenvalue",
    "Frobenius norm": "final_hessian_frobenius_norm",
    "test accuracy": _ACCURACY,
}
_RATIO = "learning rate / batch size, $\\eta / S$"
_MARKERS = "osD^vP"
_LOWEST, _HIGHEST = -90, 150  # degrees that are shown
_ABOVE = 2.2  # the place of the rules' names, above the first quantity at 0


def show(found: "grid.Grid") -> shown.Shown:
    """Draws the networks against ratio and loss, and the directions of the slopes."""
    drawn, panels = style.panels([*_AFTER_EPOCHS], num_rows=2)
    for axes, (label, column) in zip(panels[0], _AFTER_EPOCHS.items(), strict=True):
        _draw(axes, found.ended, "ratio", column)
        axes.set(xlabel=_RATIO, ylabel=label)
    by_loss, at_equal_loss, directions = panels[1]
    _draw(by_loss, found.ended, _LOSS, "final_max_eigenvalue")
    by_loss.set(xlabel="training loss [nats]", ylabel="largest eigenvalue")
    by_loss.set_title("(d) after equal epochs")
    _draw(at_equal_loss, found.fitted, "ratio", "final_hessian_trace")
    at_equal_loss.set(xlabel=_RATIO, ylabel="trace of the Hessian")
    at_equal_loss.set_title("(e) at equal training loss")
    style.plain_numbers(at_equal_loss.yaxis, (1, 2, 5))
    _directions(directions, found)
    panels[0, 0].legend(title="batch size $S$", loc="best")
    return shown.Shown(drawn, _table(found))


def _draw(axes: mpl_axes.Axes, runs: pd.DataFrame, across: str, column: str) -> None:
    """Draws runs as dots and, where they share their place, means over seeds."""
    by_size = dict(list(runs.groupby("batch_size")))
    for place, (size, rows) in enumerate(by_size.items()):
        marker = _MARKERS[place % len(_MARKERS)]
        color = style.sequential(place / max(1, len(by_size) - 1))
        axes.plot(
            rows[across], rows[column], marker, ls="", color=color, ms=3, alpha=0.35
        )
        if across == "ratio":
            table = rows.pivot(index=across, columns="seed", values=column)
            means = style.over_seeds(table, logarithmic=column != _ACCURACY)
            looks = {"color": color, "label": f"{size}", "elinewidth": 0.8}
            style.error_bars(axes, means.index, means, fmt=f"{marker}-", **looks)
    axes.set_xscale("log")
    if column != _ACCURACY:
        axes.set_yscale("log")
    if len(runs):
        axes.set_ylim(*_limits(runs[column].to_numpy(float), column))


def _directions(axes: mpl_axes.Axes, found: "grid.Grid") -> None:
    """Draws the angle of every quantity's slopes beside those of the rules."""
    axes.set_title("(f) direction of the slopes")
    axes.axvspan(*grid_slopes.BAND, color=style.GREY, alpha=0.25, lw=0)
    for rule, angle in grid_slopes.RULES.items():
        axes.axvline(angle, color=style.GREY, lw=0.8, ls="--")
        axes.text(angle, _ABOVE, rule, rotation=90, ha="right", va="top", fontsize=8)
    labels: list[str] = []
    for slopes, filled in ((found.slopes, True), (found.slopes_at_equal_loss, False)):
        for quantity, of_seeds in slopes.items():
            value, lower, upper = of_seeds.angle.interval()
            ends = np.clip([lower, upper], _LOWEST, _HIGHEST)
            place, color = -len(labels), style.BLUE if filled else style.VERMILLION
            axes.plot(ends, [place, place], color=color, lw=1)
            fill = color if filled else "w"
            axes.plot([value], [place], "o", color=color, markerfacecolor=fill)
            labels.append(quantity)
    axes.set_yticks(-np.arange(len(labels)), labels)
    axes.set_ylim(0.3 - len(labels), _ABOVE)
    axes.set(xlim=(_LOWEST, _HIGHEST), xlabel="angle of $(-b, c)$ [degrees]")
    axes.grid(visible=False)


def _table(found: "grid.Grid") -> pd.DataFrame:
    """Returns the slopes with their intervals, one row a quantity."""
    interval = statistics.mean_interval
    rows = [
        {
            "compared": compared,
            "quantity": quantity,
            "slope on log eta": interval(of_seeds.learning_rate),
            "slope on log S": interval(of_seeds.batch_size),
            "angle [degrees]": of_seeds.angle.interval(),
        }
        for compared, slopes in (
            ("after equal epochs", found.slopes),
            ("at equal training loss", found.slopes_at_equal_loss),
        )
        for quantity, of_seeds in slopes.items()
    ]
    columns = list(rows[0])[2:]
    table = pd.DataFrame(rows)
    return table.assign(**{c: table[c].map(grid_slopes.in_words) for c in columns})


def _limits(values: np.ndarray, column: str) -> tuple[float, float]:
    """Returns ends that show every run; intervals of few seeds may reach further."""
    lowest, highest = np.nanmin(values), np.nanmax(values)
    if column == _ACCURACY:
        margin = 0.06 * (highest - lowest) + 1e-3
        return float(lowest - margin), float(highest + margin)
    margin = (highest / lowest) ** 0.06
    return float(lowest / margin), float(highest * margin)
