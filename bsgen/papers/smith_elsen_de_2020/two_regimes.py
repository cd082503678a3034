"""The two regimes of SGD under a constant epoch budget.

Smith, Elsen & De (2020), section 5 and appendix C: in small batches noise sets the
optimal learning rate, and momentum is no help; in large ones curvature bounds it, and
momentum wins. Figure 1 is judged here, and figures 6, 7 and 8 and table 2 likewise.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bsgen import config
from bsgen.papers.smith_elsen_de_2020 import optima, optima_figure, wide_resnet
from bsgen.papers.smith_elsen_de_2020.optima import Metrics, Optima, Row, Setting
from bsgen.studies import (
    best_rate,
    best_runs,
    claims,
    optimum_words,
    regimes,
    shown,
    study,
)

Settings = Mapping[str, Setting]  # by scale


class Found(NamedTuple):
    """The optima of a figure, and the regimes that they show.

    Attributes:
      setting: what was trained.
      metrics: in words.
      optima: by momentum and batch size.
      regimes: by momentum.
      of_paper: the paper's rows, where it has a table.
    """

    setting: Setting
    metrics: Metrics
    optima: Optima
    regimes: dict[float, regimes.Regimes]
    of_paper: Sequence[Row] = ()


def make_study(
    name: str,
    title: str,
    caption: str,
    settings: Settings,
    metrics: Metrics = optima.ACCURACY,
    of_paper: Sequence[Row] = (),
    exponent: float = 1.0,
) -> study.Study:
    """Returns the study of one figure.

    Args:
      name: `PAPERKEY/figN`.
      title: in one line.
      caption: what is special; what is drawn follows.
      settings: by scale.
      metrics: what it looks at.
      of_paper: the paper's rows, where it has a table.
      exponent: of the optimal rate against the batch size in the noise dominated
        regime: 1, or 1/2 for the LSTM.
    """

    def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
        return settings[scale].grid.runs(num_seeds)

    return study.Study(
        name,
        title,
        caption=f"{caption} {optima_figure.PANELS} Dashed: a rising line that turns "
        "into a constant, fitted to the optima; dotted: the slope "
        f"{exponent:g}. In the table, {optimum_words.LEGEND}. Claims have 95 % "
        "intervals over seeds.",
        analyse=functools.partial(
            analyse, settings=settings, metrics=metrics, of_paper=of_paper
        ),
        judge=functools.partial(judge, exponent=exponent),
        show=functools.partial(show, exponent=exponent),
        make_runs=runs,
        scales=tuple(settings),
    )


def analyse(
    results: study.Results,
    settings: Settings,
    metrics: Metrics,
    of_paper: Sequence[Row] = (),
) -> Found:
    """Finds the optima, and fits the boundary between the regimes."""
    setting = optima.setting_of(results.runs, settings)
    found = optima.find(results, setting.selection)
    fits = {momentum: regimes.find(sweeps) for momentum, sweeps in found.items()}
    return Found(setting, metrics, found, fits, of_paper)


def judge(found: Found, exponent: float = 1.0) -> list[claims.Claim]:
    """Momentum is no help in small batches and wins in large ones; rates scale."""
    return [
        *_methods(found),
        *(claim for m in found.optima for claim in _batch_sizes(found, m)),
        *(claim for m in found.optima for claim in _rates(found, m, exponent)),
    ]


def show(found: Found, exponent: float = 1.0) -> shown.Shown:
    """Draws and lists the optima."""
    lines = {momentum: fit.line for momentum, fit in found.regimes.items()}
    drawn = optima_figure.draw(found.optima, found.metrics, lines, exponent)
    return shown.Shown(drawn, optima.table(found.optima, found.metrics, found.of_paper))


def _methods(found: Found) -> list[claims.Claim]:
    """Judges SGD with momentum against SGD."""
    plain, heavy = found.optima.values()
    metrics, margin = found.metrics, found.setting.margin
    last = min(found.setting.last.values())
    small = [size for size in plain if size <= last]
    largest = max(plain)
    pair = heavy[largest], plain[largest]
    higher = found.setting.selection.higher_is_better
    better, bound = (claims.above, 0.0) if higher else (claims.below, 0.0)
    with_minus = "with momentum minus without"
    return [
        claims.between(
            f"Both methods have the same optimal {metrics.test} when the batch is "
            "small",
            f"optimal {metrics.test}, {with_minus}, mean over batch sizes up to "
            f"{last:,}",
            optima.mean_gain([(heavy[size], plain[size]) for size in small]),
            (-margin, margin),
            f"a difference below {margin:g} counts as none, our choice",
        ),
        better(
            "SGD with momentum performs better when the batch is large",
            f"optimal {metrics.test}, {with_minus}, batch size {largest:,}",
            best_rate.gain(*pair),
            bound=bound,
        ),
        claims.below(
            f"SGD with momentum has the lower {metrics.training} when the batch is "
            "large",
            f"{metrics.training} at the optimal rate, {with_minus}, batch size "
            f"{largest:,}",
            best_rate.gain(*pair, metrics.column),
        ),
        claims.above(
            "SGD with momentum can scale to larger effective learning rates",
            f"optimal effective rate with momentum over without, batch size "
            f"{largest:,}",
            best_rate.ratio(*pair),
            bound=1.0,
        ),
    ]


def _batch_sizes(found: Found, momentum: float) -> list[claims.Claim]:
    """Judges how a method depends on the batch size."""
    sweeps, metrics, margin = (
        found.optima[momentum],
        found.metrics,
        found.setting.margin,
    )
    name = optima_figure.label(momentum)
    smallest, last, largest = min(sweeps), found.setting.last[momentum], max(sweeps)
    higher = found.setting.selection.higher_is_better
    worse = claims.below if higher else claims.above
    where = "" if last == largest else " when that is small"
    independent = [
        claims.between(
            f"{name}: the optimal {metrics.test} is independent of the batch size"
            f"{where}",
            f"optimal {metrics.test}, batch size {last:,} minus {smallest:,}",
            best_rate.gain(sweeps[last], sweeps[smallest]),
            (-margin, margin),
            f"a difference below {margin:g} counts as none, our choice",
        )
    ]
    if last == largest:
        return independent
    beyond: tuple[best_runs.Sweep, best_runs.Sweep] = sweeps[largest], sweeps[last]
    return independent + [
        worse(
            f"{name}: the optimal {metrics.test} begins to degrade when the batch is "
            "sufficiently large",
            f"optimal {metrics.test}, batch size {largest:,} minus {last:,}",
            best_rate.gain(*beyond),
        ),
        claims.above(
            f"{name}: the {metrics.training} degrades, too, when the batch is "
            "sufficiently large",
            f"{metrics.training} at the optimal rate, batch size {largest:,} minus "
            f"{last:,}",
            best_rate.gain(*beyond, metrics.column),
        ),
    ]


def _rates(found: Found, momentum: float, exponent: float) -> list[claims.Claim]:
    """Judges how the optimal rate of a method depends on the batch size."""
    name = optima_figure.label(momentum)
    how = "in proportion to" if exponent == 1 else f"as the power {exponent:g} of"
    fit = found.regimes[momentum]
    return [
        regimes.judge_slope(
            f"{name}: the optimal effective learning rate rises {how} the batch size "
            "when that is small",
            fit,
            exponent,
        ),
        regimes.judge_plateau(
            f"{name}: the optimal effective learning rate is constant when the batch "
            "is large",
            fit,
        ),
    ]


FIGURE_1 = make_study(
    "smith_elsen_de_2020/fig1",
    "Two regimes under a constant epoch budget, with and without momentum",
    "SGD with and without momentum at equal numbers of epochs, with ghost batch "
    "normalization. In the paper the accuracy of both is independent of the batch size "
    "up to 512, where the optimal rate of SGD without momentum ceases to grow. "
    "Its rates are powers of two; at quick scale they are half an octave apart.",
    wide_resnet.FIGURE_1,
)
