"""The rule of thumb of Smith, Elsen & De (2020), judged against a full sweep.

Section 8: to parallelise over large batches, train near the boundary between the noise
and the curvature dominated regime; "one can estimate the location of this boundary by
first running a cheap sweep over a few epochs to identify the largest stable learning
rate, before scaling the batch size accordingly". The procedure of
`bsgen.tuning.procedures.rule_of_thumb` is replayed on recorded runs of a few epochs,
many times with other seeds; it chooses on validation data. What it recommends is looked
up in the sweep of figure 1, which trains in full and is scored on the test set.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.papers.smith_elsen_de_2020 import (
    grids,
    optima,
    presets,
    rule_of_thumb_claims,
    rule_of_thumb_figure,
    wide_resnet,
)
from bsgen.papers.smith_elsen_de_2020.optima import Setting
from bsgen.papers.smith_elsen_de_2020.rule_of_thumb_claims import MARGIN, REPEATS
from bsgen.studies import best_runs, budgets, regimes, study
from bsgen.tuning.procedures import outcomes, settings
from bsgen.tuning.procedures import rule_of_thumb as procedures

_FIRST = 2.0**-2  # effective rate tried first


@dataclasses.dataclass(frozen=True)
class Cheap:
    """The runs of a few epochs that the rule may ask for.

    Attributes:
      grid: their small and their large batch size, and all rates.
      num_classes: of the data.
    """

    grid: grids.Grid
    num_classes: int = 10

    @property
    def batch_sizes(self) -> tuple[int, int]:
        """The small and the large one."""
        small, large = self.grid.batch_sizes
        return small, large


def _cheap(scale: str, sizes: tuple[int, int], applications: int, **data: int) -> Cheap:
    task = presets.WIDE_RESNET[scale].changed(**data)
    task = dataclasses.replace(
        task,
        budget=budgets.Epochs(3, rounds_down=True),
        num_seeds=REPEATS * applications,
    )

    def rates(batch_size: int, momentum: float) -> Sequence[float]:
        is_small = batch_size == sizes[0]
        return grids.powers_of_two(*((-7, 3) if is_small else (-2, 6)))

    return Cheap(grids.Grid(task, sizes, rates, (wide_resnet.PLAIN, wide_resnet.HEAVY)))


CHEAP = {
    "quick": _cheap("quick", (8, 128), 20, train_size=900, validation_size=300),
    "reduced": _cheap("reduced", (32, 512), 4, validation_size=2000),
    "paper": _cheap("paper", (64, 1024), 1, train_size=45_000, validation_size=5000),
}
FULL: Mapping[str, Setting] = {scale: wide_resnet.FIGURE_1[scale] for scale in CHEAP}


class Applied(NamedTuple):
    """The rule of thumb applied with one momentum, several times.

    Attributes:
      sweeps: the full sweep, by batch size.
      regimes: the boundary that it shows.
      found: what each application recommends; those that failed are not there.
      num_failed: how many did.
      lost: of each, the best accuracy of the sweep minus that of what it recommends.
      lost_at_half: the same at half of the rate.
      costs: of each, its examples over those of the sweep with as many repeats.
      no_loss: the largest batch size that loses less than the margin in the sweep.
    """

    sweeps: Mapping[int, best_runs.Sweep]
    regimes: regimes.Regimes
    found: list[procedures.Boundary]
    num_failed: int
    lost: list[float]
    lost_at_half: list[float]
    costs: list[float]
    no_loss: int

    @property
    def best(self) -> float:
        """The best accuracy of the sweep."""
        return max(float(sweep.optimum["mean"]) for sweep in self.sweeps.values())


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns the sweep of figure 1 and the runs of a few epochs."""
    cheap = CHEAP[scale].grid
    number = num_seeds and REPEATS * num_seeds
    return [*FULL[scale].grid.runs(num_seeds), *cheap.runs(number)]


def analyse(results: study.Results) -> dict[float, Applied]:
    """Applies the rule to the runs of a few epochs, by momentum."""
    is_cheap = results.runs["validation_size"] > 0
    few, full = results.runs[is_cheap], results.runs[~is_cheap]
    setting = optima.setting_of(full, FULL)
    (scale,) = (name for name, each in FULL.items() if each is setting)
    sweeps = optima.find(results._replace(runs=full), setting.selection)
    return {
        momentum: _applied(
            few[few["momentum"] == momentum],
            full[full["momentum"] == momentum],
            sweeps[momentum],
            CHEAP[scale],
        )
        for momentum in sweeps
    }


def _applied(
    few: pd.DataFrame,
    full: pd.DataFrame,
    sweeps: Mapping[int, best_runs.Sweep],
    cheap: Cheap,
) -> Applied:
    momentum = float(full["momentum"].iloc[0])
    procedure = _procedure(momentum, cheap, max(sweeps))
    seeds = sorted(few["seed"].unique())
    each = (seeds[i : i + REPEATS] for i in range(0, len(seeds), REPEATS))
    reviews = [procedure.review(_recorded(few, own), own) for own in each]
    found = [review.boundary for review in reviews if review.boundary is not None]
    num_examples = full["num_steps"] * full["batch_size"]
    of_sweep = REPEATS * num_examples.sum() / full["seed"].nunique()
    best = max(sweep.optimum["mean"] for sweep in sweeps.values())
    no_loss = [b for b, s in sweeps.items() if s.optimum["mean"] >= best - MARGIN]
    return Applied(
        sweeps,
        regimes.find(sweeps),
        found,
        len(reviews) - len(found),
        [best - accuracy(sweeps, one.setting) for one in found],
        [best - accuracy(sweeps, one.setting, 0.5) for one in found],
        [one.num_examples / of_sweep for one in found],
        max(no_loss),
    )


def _procedure(
    momentum: float, cheap: Cheap, max_batch_size: int
) -> procedures.RuleOfThumb:
    small, large = cheap.batch_sizes
    return procedures.RuleOfThumb(
        batch_size=small,
        large_batch_size=large,
        max_batch_size=max_batch_size,
        momentum=momentum,
        learning_rate=_FIRST * (1 - momentum),
        num_repeats=REPEATS,
        baseline_score=1 / cheap.num_classes,
    )


def _recorded(
    runs: pd.DataFrame, seeds: Sequence[int]
) -> dict[settings.Trainable, outcomes.Outcome]:
    """Returns the outcome of every setting with some seeds."""
    own = runs[runs["seed"].isin(seeds)]
    found: dict[settings.Trainable, outcomes.Outcome] = {}
    for key, rows in own.groupby(["batch_size", "learning_rate", "momentum"]):
        scores = rows["final_validation_accuracy"].astype(float).fillna(0.0)
        found[settings.Setting(*key)] = outcomes.Outcome(
            dict(zip(rows["seed"], scores, strict=True)),
            "diverged" if (rows["status"] == "diverged").any() else "completed",
            int(rows["num_steps"].sum()),
            int((rows["num_steps"] * rows["batch_size"]).sum()),
        )
    return found


def effective_rate(setting: settings.Setting) -> float:
    """Returns the effective learning rate of a setting."""
    return setting.learning_rate / (1 - setting.momentum)


def accuracy(
    sweeps: Mapping[int, best_runs.Sweep],
    setting: settings.Setting,
    factor: float = 1.0,
) -> float:
    """Returns the full sweep's accuracy at the setting tried nearest to another one.

    Args:
      sweeps: by batch size.
      setting: batch size and rate.
      factor: of the rate.
    """
    size = min(sweeps, key=lambda each: abs(math.log(each / setting.batch_size)))
    rates = sweeps[size].rates
    wanted = factor * effective_rate(setting)
    distances = np.abs(np.log(rates.index.to_numpy() / wanted))
    return float(rates["mean"].iloc[int(distances.argmin())])


STUDY = study.Study(
    "smith_elsen_de_2020/rule_of_thumb",
    "The rule of thumb for the batch size against a full sweep",
    caption="(a) Test accuracy at the optimal rate against the batch size (lines), and "
    "at the batch size and rate that each application of the rule recommends "
    "(diamonds, the larger the more of them agree; on the lower edge what lies below). "
    "(b) The optimal effective rate (lines), the fitted boundary (dashed) and what is "
    "recommended. (c) Accuracy lost at the setting recommended (diamonds), and at half "
    "of its rate (rings), against the examples that an application trained on, as a "
    "share of those of the full sweep with as many runs a setting. The table has "
    "effective rates; of the full sweep, B is the fitted boundary. Claims have 95 % "
    "intervals over seeds and applications.",
    analyse=analyse,
    judge=rule_of_thumb_claims.judge,
    show=rule_of_thumb_figure.show,
    make_runs=runs,
    scales=tuple(CHEAP),
)
