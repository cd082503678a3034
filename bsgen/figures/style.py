"""The look that all figures share: colours, bands over seeds and the accuracy axis.

Colours are those of Okabe & Ito (2008), "Color universal design", told apart by colour-
blind readers; ordered settings take viridis, which also rises in lightness.
"""

import io
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import axes as mpl_axes
from matplotlib import axis as mpl_axis
from matplotlib import figure, ticker
from PIL import Image as image

from bsgen import statistics
from bsgen.figures import description

COLORS = BLUE, VERMILLION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"
SETTINGS: dict[Any, Any] = {
    "axes.grid": True,
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "errorbar.capsize": 2.5,
    "figure.labelsize": 7.5,
    "font.size": 9,
    "grid.alpha": 0.5,
    "grid.color": "#dddddd",
    "legend.fontsize": 8,
    "legend.framealpha": 0.85,
    "legend.title_fontsize": 8,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.5,
}
# For captions: what `band` draws, and `accuracy_axis`.
BAND = "mean over seeds with its 95 % t interval, and each seed as a thin line"
ACCURACY_AXIS = "The accuracy axis is logarithmic in the error rate."
COLOR_MAP = mpl.colormaps["viridis"]
DARKEST, LIGHTEST = 0.0, 0.88  # of the colour map; its yellow end fades on white
_MOST_COLUMNS = 5  # of a legend above the panels
_WIDTH, _ROW_HEIGHT = 9.0, 3.7  # inches
_DOTS_PER_INCH = 150
_SMALLEST_ERROR = 1e-4  # where the accuracy axis ends: it has no place for no error
_ACCURACY_TICKS = (0, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99)
_FEWEST_TICKS = 3  # an axis that shows fewer of its usual ones has evenly spaced ones


def panels(titles: list[str], num_rows: int = 1) -> tuple[figure.Figure, np.ndarray]:
    """Returns a figure with one column per title, and its axes, [num_rows, titles].

    The columns are lettered (a), (b), ... as in the papers.
    """
    height = _ROW_HEIGHT * (1 if num_rows == 1 else 0.75 * num_rows)
    drawn = figure.Figure(figsize=(_WIDTH, height), layout="constrained", facecolor="w")
    grid = drawn.subplots(num_rows, len(titles), squeeze=False)
    for letter, title, axes in zip("abcd", titles, grid[0], strict=False):
        axes.set_title(f"({letter}) {title}")
    return drawn, grid


def png(drawn: figure.Figure) -> bytes:
    """Returns a figure as a PNG file, which says in words what is seen."""
    content = io.BytesIO()
    said = {"Description": description.describe(drawn)}
    drawn.savefig(content, format="png", dpi=_DOTS_PER_INCH, metadata=said)
    return content.getvalue()


def with_fewer_colors(picture: bytes) -> bytes:
    """Returns a PNG file with 128 colours at most, half as large, for documents."""
    content = io.BytesIO()
    flat = image.open(io.BytesIO(picture)).convert("RGB")
    flat.quantize(128, dither=image.Dither.NONE).save(content, "PNG", optimize=True)
    return content.getvalue()


def sequential(position: float) -> tuple[float, ...]:
    """Returns the colour of a setting at `position`, 0 (lowest) to 1 (highest)."""
    return COLOR_MAP(DARKEST + position * (LIGHTEST - DARKEST))


def over_seeds(table: pd.DataFrame, logarithmic: bool = False) -> pd.DataFrame:
    """Returns `value`, `lower` and `upper` of each row: mean and 95 % t interval.

    Args:
      table: one column per seed. A row that lacks a seed, because that run diverged, is
        NaN throughout: a mean over the survivors would flatter it. With a single seed
        there is no interval, and both ends are the value.
      logarithmic: takes both of the logarithms, so that `value` is the geometric mean.
    """
    if logarithmic:
        return np.exp(over_seeds(np.log(table)))
    rows = [statistics.mean_interval(row) for row in table.to_numpy(float)]
    found = pd.DataFrame(rows, index=table.index, columns=statistics.Interval._fields)
    return found.where(np.isfinite(found), found["value"], axis=0)


def band(
    axes: mpl_axes.Axes,
    table: pd.DataFrame,
    color: Any,
    label: str,
    logarithmic: bool = False,
    with_seeds: bool = True,
    **looks: Any,
) -> None:
    """Draws the mean over seeds as a line, its interval as a band, and each seed.

    Args:
      axes: where.
      table: one row per place on the x axis (the index), one column per seed.
      color: of line and band.
      label: in the legend.
      logarithmic: as in `over_seeds`.
      with_seeds: whether each seed is drawn, as a thin line.
      **looks: of the line of the mean.
    """
    found = over_seeds(table, logarithmic)
    if with_seeds:
        axes.plot(table.index, table, color=color, lw=0.5, alpha=0.45)
    axes.plot(found.index, found["value"], color=color, label=label, **looks)
    axes.fill_between(
        found.index, found["lower"], found["upper"], color=color, alpha=0.15, lw=0
    )


def error_bars(
    axes: mpl_axes.Axes, places: npt.ArrayLike, found: pd.DataFrame, **looks: Any
) -> None:
    """Draws means with their intervals.

    Args:
      axes: where.
      places: on the x axis, one a row of `found`.
      found: as `over_seeds` returns it.
      **looks: of `Axes.errorbar`.
    """
    ends = found["value"] - found["lower"], found["upper"] - found["value"]
    axes.errorbar(places, found["value"], ends, **looks)


def accuracy_axis(axes: mpl_axes.Axes, lowest: float, highest: float) -> None:
    """Makes the y axis one of accuracy, logarithmic in the error rate 1 - accuracy.

    So that both a model that cannot train and a gap of half a percent near the top can
    be seen in one panel.

    Args:
      axes: whose y axis it is.
      lowest: an accuracy that must be visible.
      highest: likewise.
    """
    axes.set_yscale("function", functions=(_from_accuracy, _to_accuracy))
    ends = _from_accuracy(np.array([lowest, highest]))
    margin = 0.06 * (ends[1] - ends[0])
    axes.set_ylim(*_to_accuracy(ends + [-margin, margin]))
    _set_ticks(axes.yaxis, ticker.FixedLocator(_ACCURACY_TICKS))
    axes.yaxis.set_minor_locator(ticker.NullLocator())


def plain_numbers(axis: mpl_axis.Axis, multiples: tuple[int, ...] = (1,)) -> None:
    """Labels a logarithmic axis with plain numbers, at multiples of powers of ten.

    To be called when all is drawn: where few of these are in sight, others are taken.
    """
    _set_ticks(axis, *(ticker.LogLocator(subs=m) for m in (multiples, (1, 2, 5))))
    axis.set_minor_formatter(ticker.NullFormatter())


def legend_above(drawn: figure.Figure, *panels: mpl_axes.Axes) -> None:
    """Names what some panels show in a row above them all, where it covers nothing.

    Args:
      drawn: as `panels` returns it.
      *panels: that have labels; a label that several have stands there once.
    """
    named: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    if named:
        drawn.legend(
            list(named.values()),
            list(named),
            loc="outside upper left",
            ncols=min(len(named), _MOST_COLUMNS),
            frameon=False,
        )


def _set_ticks(axis: mpl_axis.Axis, *usual: ticker.Locator) -> None:
    """Labels the first of these places of which enough are seen, or even spaces."""
    low, high = sorted(axis.get_view_interval())
    chosen: ticker.Locator = ticker.MaxNLocator(5, steps=(1, 2, 5, 10))
    for locator in reversed(usual):
        seen = sum(low <= place <= high for place in locator.tick_values(low, high))
        if seen >= _FEWEST_TICKS:
            chosen = locator
    axis.set_major_locator(chosen)
    axis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))


def _from_accuracy(accuracy: np.ndarray) -> np.ndarray:
    return -np.log10(np.maximum(1 - np.asarray(accuracy, float), _SMALLEST_ERROR))


def _to_accuracy(scaled: np.ndarray) -> np.ndarray:
    return 1 - 10 ** -np.asarray(scaled, float)
