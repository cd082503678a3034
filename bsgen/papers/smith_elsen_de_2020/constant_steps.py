"""A constant step budget: accuracy rises with the batch size, and then it falls.

Smith, Elsen & De (2020), section 6 and appendix D: all batch sizes take as many steps,
so that large ones have every opportunity to minimise the training loss. That they still
lose test accuracy is the benefit of noise. Table 1 is judged here, and tables 3 to 7
likewise.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bsgen import config
from bsgen.papers.smith_elsen_de_2020 import optima, optima_figure, wide_resnet
from bsgen.papers.smith_elsen_de_2020.optima import Metrics, Optima, Row, Setting
from bsgen.studies import best_rate, claims, optimum_words, shown, study

Settings = Mapping[str, Setting]  # by scale


class Found(NamedTuple):
    """The optima of a table.

    Attributes:
      setting: what was trained.
      metrics: in words.
      optima: by momentum, of which there is one, and batch size.
      of_paper: the paper's rows.
    """

    setting: Setting
    metrics: Metrics
    optima: Optima
    of_paper: Sequence[Row]


def make_study(
    name: str,
    title: str,
    caption: str,
    settings: Settings,
    of_paper: Sequence[Row],
    metrics: Metrics = optima.ACCURACY,
) -> study.Study:
    """Returns the study of one table.

    Args:
      name: `PAPERKEY/tableN`.
      title: in one line.
      caption: what is special; what is listed and drawn follows.
      settings: by scale; `last` is the batch size of the best test metric.
      of_paper: the paper's rows.
      metrics: what it looks at.
    """

    def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
        return settings[scale].grid.runs(num_seeds)

    return study.Study(
        name,
        title,
        caption=f"{caption} {optima_figure.PANELS} Dotted: slope 1. The table has the "
        f"same numbers, and the paper's below; {optimum_words.LEGEND}. The best of "
        "several runs flatter, the mean of all does not. Claims have 95 % intervals "
        "over seeds.",
        analyse=functools.partial(
            analyse, settings=settings, metrics=metrics, of_paper=of_paper
        ),
        judge=judge,
        show=show,
        make_runs=runs,
        scales=tuple(settings),
    )


def analyse(
    results: study.Results,
    settings: Settings,
    metrics: Metrics,
    of_paper: Sequence[Row],
) -> Found:
    """Finds the optima."""
    setting = optima.setting_of(results.runs, settings)
    found = optima.find(results, setting.selection)
    return Found(setting, metrics, found, of_paper)


def judge(found: Found) -> list[claims.Claim]:
    """The test metric rises and falls, though the training loss is lower there."""
    ((momentum, sweeps),) = found.optima.items()
    metrics = found.metrics
    best = found.setting.last[momentum]
    smallest, largest = min(sweeps), max(sweeps)
    rise, fall = (sweeps[best], sweeps[smallest]), (sweeps[largest], sweeps[best])
    higher = found.setting.selection.higher_is_better
    better, worse = (claims.above, claims.below)[:: 1 if higher else -1]
    before = f"batch size {best:,} minus {smallest:,}"
    beyond = f"batch size {largest:,} minus {best:,}"
    return [
        better(
            f"The optimal {metrics.test} initially gets better with the batch size",
            f"optimal {metrics.test}, {before}",
            best_rate.gain(*rise),
        ),
        claims.below(
            f"The {metrics.training} falls as the batch size initially grows",
            f"{metrics.training} at the optimal rate, {before}",
            best_rate.gain(*rise, metrics.column),
        ),
        worse(
            f"The optimal {metrics.test} gets worse again for very large batches",
            f"optimal {metrics.test}, {beyond}",
            best_rate.gain(*fall),
        ),
        claims.below(
            f"The {metrics.training} of very large batches is lower nevertheless",
            f"{metrics.training} at the optimal rate, {beyond}",
            best_rate.gain(*fall, metrics.column),
        ),
    ]


def show(found: Found) -> shown.Shown:
    """Draws and lists the optima, the paper's below ours."""
    return shown.Shown(
        optima_figure.draw(found.optima, found.metrics),
        optima.table(found.optima, found.metrics, found.of_paper),
    )


TABLE_1 = make_study(
    "smith_elsen_de_2020/table1",
    "Accuracy and training loss against batch size under a constant step budget",
    "SGD with momentum 0.9 and ghost batch normalization; the paper takes 9765 steps, "
    "200 epochs in batches of 1024.",
    wide_resnet.TABLE_1,
    of_paper=(
        Row(256, 0.935, 0.001, 0.232, 0.001, 2.0**2, 2.0**1, 2.0**2),
        Row(512, 0.942, 0.001, 0.171, 0.001, 2.0**2, 2.0**2, 2.0**3),
        Row(1024, 0.945, 0.001, 0.107, 0.001, 2.0**3, 2.0**3, 2.0**3),
        Row(2048, 0.949, 0.001, 0.058, 0.000, 2.0**3, 2.0**3, 2.0**3),
        Row(4096, 0.947, 0.001, 0.025, 0.000, 2.0**4, 2.0**4, 2.0**5),
        Row(8192, 0.946, 0.001, 0.017, 0.000, 2.0**2, 2.0**2, 2.0**2),
        Row(16_384, 0.925, 0.006, 0.019, 0.004, 2.0**5, 2.0**4, 2.0**5),
        Row(32_768, 0.899, 0.007, 0.039, 0.011, 2.0**5, 2.0**0, 2.0**5),
    ),
)
