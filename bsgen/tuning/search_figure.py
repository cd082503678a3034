"""The picture of a tuning search: Smith & Le (2017), arXiv 1710.06451, appendix D.

Panel a has phases 1 and 2 over a logarithmic batch size, panel b phase 3 over a linear
one; a line in both is the user's own optimizer, where it was measured. Points are means
over repeats, bars standard errors. Successive halving has the parts of runs that it
compared first in panel a, and whole runs in panel b. A search of another oracle has no
phases; its trials stand over the batch size and over the noise scale.
"""

import contextlib
import json
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes
from matplotlib import figure

from bsgen import errors
from bsgen.figures import style
from bsgen.files import atomic
from bsgen.tuning import older_searches, search_panels

_BATCH_SIZE = "batch size $B$"


@contextlib.contextmanager
def written(output_dir: str | os.PathLike) -> Iterator[None]:
    """Draws `figure.png` of the search in a `with` when it has ended.

    After Ctrl-C it shows the trials that have ended, if there are any.
    """
    try:
        yield
    except KeyboardInterrupt:
        if pathlib.Path(output_dir, "trials.csv").exists():
            write(output_dir, has_ended=False)
        raise
    write(output_dir)


def write(output_dir: str | os.PathLike, has_ended: bool = True) -> pathlib.Path:
    """Draws `figure.png` of a search.

    Args:
      output_dir: with `search.json`, `trials.csv` and, if there is one,
        `recommendation.json`.
      has_ended: whether the search will try nothing more.

    Returns:
      The path of the picture.

    Raises:
      UserError: the folder holds no finished search, or cannot be written.
    """
    folder = pathlib.Path(output_dir)
    try:
        described = _read(folder / "search.json")
        trials = older_searches.table_of_today(pd.read_csv(folder / "trials.csv"))
    except (OSError, ValueError) as error:
        remedy = f"holds no finished search ({error})"
        raise errors.UserError("output_dir", str(folder), remedy) from error
    found = folder / "recommendation.json"
    recommended = _read(found)["setting"] if found.exists() else None
    drawn = draw(
        trials,
        recommended,
        described["metric"],
        described["baseline_score"],
        described.get("lower_is_better", False),  # older searches drew minus the metric
        has_ended,
    )
    path = folder / "figure.png"
    atomic.write(path, style.png(drawn))
    return path


def draw(
    trials: pd.DataFrame,
    recommended: Mapping[str, Any] | None,
    metric: str,
    baseline_score: float,
    lower_is_better: bool = False,
    has_ended: bool = True,
) -> figure.Figure:
    """Draws a search.

    Args:
      trials: as in `trials.csv`.
      recommended: `batch_size`, `learning_rate` and `momentum`; None without one.
      metric: what the score is called.
      baseline_score: what is not above it in every repeat has not trained; it is shown
        by crosses at the bottom.
      lower_is_better: whether the scores are the metric with its sign reversed.
      has_ended: whether the search will try nothing more.
    """
    sign, shown_metric = 1, metric
    if lower_is_better:
        sign, shown_metric = -1, f"{metric} (lower is better)"
    with mpl.rc_context(style.SETTINGS):
        is_own = trials["reason"] == "own optimizer"
        if "share" not in trials:  # earlier versions trained whole runs alone
            trials = trials.assign(share=1.0)
        points = _points(trials.assign(is_own=is_own), baseline_score, sign)
        own, points = points[points["is_own"]], points[~points["is_own"]]
        if points["phase"].isna().all():
            drawn, panels = _draw_general(points)
        elif (points["share"] < 1).any():
            drawn, panels = _draw_halving(points)
        else:
            drawn, panels = _draw_phases(points, recommended)
        for axes, shown in panels:
            search_panels.own_line(axes, own, trials[is_own])
            search_panels.finish(axes, shown, own, shown_metric, has_ended)
            if recommended is not None:
                search_panels.mark(axes, shown, recommended)
            if axes.get_legend_handles_labels()[0]:
                axes.legend(loc="best", title="learning rate, momentum m")
        drawn.supxlabel(_footer(trials), x=0.99, ha="right")
    return drawn


_Panels = list[tuple[mpl_axes.Axes, pd.DataFrame]]


def _read(path: pathlib.Path) -> dict[str, Any]:
    return json.loads(path.read_bytes())


def _points(trials: pd.DataFrame, baseline_score: float, sign: int) -> pd.DataFrame:
    """Returns a row a phase, share of a run and setting, with its mean score.

    The mean is that of the scores times `sign`.
    """
    rows = []
    names = ["phase", "share", *search_panels.SETTING]
    for (phase, share, *setting), group in trials.groupby(names, dropna=False):
        scores = np.array(" ".join(group["scores"].fillna("").astype(str)).split())
        values = scores.astype(float)
        trained = (group["status"] == "completed").all() and len(values) > 0
        rows.append(
            {
                "phase": phase,
                "share": share,
                "is_own": group["is_own"].iloc[0],
                **dict(zip(search_panels.SETTING, setting, strict=True)),
                "mean": sign * values.mean() if len(values) else np.nan,
                "error": values.std(ddof=1) / np.sqrt(len(values))
                if len(values) > 1
                else 0.0,
                "trained": bool(trained and (values > baseline_score).all()),
            }
        )
    points = pd.DataFrame(rows)
    rest = points["batch_size"] * (1 - points["momentum"])
    return points.assign(x=points["batch_size"], noise=points["learning_rate"] / rest)


def _draw_phases(
    points: pd.DataFrame, recommended: Mapping[str, Any] | None
) -> tuple[figure.Figure, _Panels]:
    drawn, grid = style.panels(
        ["phases 1 and 2: batch sizes far apart", "phase 3: around the best"]
    )
    left, right = grid[0]
    first, grown = points[points["phase"] == 1], points[points["phase"] == 2]
    rates = sorted(first["learning_rate"].unique(), reverse=True)
    for place, rate in enumerate(rates):
        color = style.sequential(place / max(len(rates) - 1, 1) * 0.6)
        of_rate = first[first["learning_rate"] == rate]
        label = f"phase 1: rate {rate:g}, m = {of_rate.iloc[0].momentum:g}"
        search_panels.curve(left, of_rate, color, label)
    if len(grown):
        search_panels.curve(
            left,
            grown,
            style.VERMILLION,
            "phase 2: same rate, m grows with B",
            "D--",
        )
        for _, point in grown.iterrows():
            trained = bool(point["trained"])
            left.annotate(
                f"m = {point['momentum']:.4g}",
                (point["x"], point["mean"] if trained else 0.02),
                xycoords="data" if trained else left.get_xaxis_transform(),
                xytext=(0, -14 if trained else 6),
                textcoords="offset points",
                color=style.VERMILLION,
                fontsize=8,
                ha="center",
            )
    left.set(xscale="log", xlabel=_BATCH_SIZE)
    left.margins(x=0.1)  # the last m = ... stays inside
    style.plain_numbers(left.xaxis, (1, 2, 5))
    last = points[points["phase"] == 3]
    if recommended is None and len(last):  # the search goes on
        search_panels.curve(right, last, style.GREEN, _setting_words(last.iloc[0]))
    if recommended is not None:
        same = [
            np.isclose(points[name], recommended[name])
            for name in search_panels.SETTING[1:]
        ]
        alike = points[np.all(same, axis=0)]
        last = alike[alike["phase"].isin([2, 3])]
        if last.empty:  # phase 1's, after all
            last = alike[alike["phase"] == 1]
        search_panels.curve(right, last, style.GREEN, _setting_words(recommended))
    right.set(xlabel=_BATCH_SIZE)
    return drawn, [(left, points[points["phase"] < 3]), (right, last)]


def _draw_halving(points: pd.DataFrame) -> tuple[figure.Figure, _Panels]:
    least = points["share"].min()
    drawn, grid = style.panels([f"after {least:g} of a run", "whole runs"])
    shown = points[points["share"] == least], points[points["share"] == 1]
    rates = sorted(shown[0]["learning_rate"].unique(), reverse=True)
    for axes, part in zip(grid[0], shown, strict=True):
        for place, rate in enumerate(rates):
            of_rate = part[part["learning_rate"] == rate]
            if len(of_rate):
                color = style.sequential(place / max(len(rates) - 1, 1) * 0.8)
                search_panels.curve(axes, of_rate, color, f"learning rate {rate:g}")
        axes.set(xscale="log", xlabel=_BATCH_SIZE)
        style.plain_numbers(axes.xaxis, (1, 2, 5))
    return drawn, list(zip(grid[0], shown, strict=True))


def _setting_words(setting: Mapping[str, Any] | pd.Series) -> str:
    return f"rate {setting['learning_rate']:g}, m = {setting['momentum']:.4g}"


def _draw_general(points: pd.DataFrame) -> tuple[figure.Figure, _Panels]:
    drawn, grid = style.panels(["over the batch size", "over the noise scale"])
    noise = points.assign(x=points["noise"])
    for axes, shown in ((grid[0, 0], points), (grid[0, 1], noise)):
        for momentum in sorted(points["momentum"].unique()):
            of_momentum = shown[shown["momentum"] == momentum]
            color = style.sequential(float(momentum))
            search_panels.curve(axes, of_momentum, color, f"m = {momentum:g}", "o")
        axes.set_xscale("log")
    grid[0, 0].set_xlabel(_BATCH_SIZE)
    style.plain_numbers(grid[0, 0].xaxis, (1, 2, 5))
    grid[0, 1].set_xlabel("noise scale over N: learning rate / ($B$ (1 - m))")
    return drawn, [(grid[0, 0], points), (grid[0, 1], noise)]


def _footer(trials: pd.DataFrame) -> str:
    parts = [f"{len(trials)} trials", f"{trials['num_steps'].sum():,} steps"]
    for status, count in trials["status"].value_counts().items():
        if status != "completed":
            parts.append(f"{count} {str(status).replace('_', ' ')}")
    return "  ·  ".join([*parts, "bars: standard errors"])
