"""Jastrzebski et al. (2018), figure 1: equal ratios, constant and cyclic.

A cyclic batch size against a cyclic learning rate of the same ratio, and two constant
settings of one ratio.
"""

import dataclasses

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.papers.jastrzebski_2018 import learning_curves, presets
from bsgen.studies import claims, study

CYCLIC_BATCH, CYCLIC_RATE = "cyclic batch size", "cyclic learning rate"
SMALL, LARGE = "small batch", "large batch"


@dataclasses.dataclass(frozen=True)
class Preset:
    """The settings of one scale.

    Attributes:
      dataset: its name.
      train_size: N.
      model: the network.
      batch_size, learning_rate: the smaller ones.
      factor: the larger ones over them.
      num_epochs: passes over the training set.
      period: of a cycle, in epochs; half of it at the high ratio, then half at the low.
      num_evaluations: of each curve.
    """

    dataset: str
    train_size: int
    model: config.ModelConfig
    batch_size: int
    learning_rate: float
    factor: int
    num_epochs: int
    period: float
    num_evaluations: int


PRESETS = {
    "quick": Preset(
        "digits",
        presets.QUICK_TRAIN_SIZE,
        presets.QUICK_MODEL,
        batch_size=20,
        learning_rate=0.004,
        factor=5,
        num_epochs=20,
        period=4.0,
        num_evaluations=20,
    ),
    # Epochs, period and the shape of the cycles are our choice.
    "paper": Preset(
        "cifar10",
        50_000,
        presets.VGG,
        batch_size=128,
        learning_rate=0.001,
        factor=5,
        num_epochs=100,
        period=10.0,
        num_evaluations=100,
    ),
}


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns the four settings, for each seed."""
    return [
        run
        for seed in range(num_seeds or presets.NUM_SEEDS[scale])
        for run in _settings(PRESETS[scale], seed)
    ]


def _settings(preset: Preset, seed: int) -> list[config.RunConfig]:
    small, low = preset.batch_size, preset.learning_rate
    factor, period = float(preset.factor), preset.period
    rise = config.Cyclic(factors=(1.0, factor), period=period)
    fall = config.Cyclic(factors=(factor, 1.0), period=period)

    def run(
        learning_rate: float,
        batch_size: int,
        schedule: config.Cyclic | None = None,
        batch_size_schedule: config.Cyclic | None = None,
    ) -> config.RunConfig:
        return presets.run(
            preset.model,
            presets.data(preset.dataset, preset.train_size, seed),
            config.MomentumConfig(
                learning_rate=learning_rate,
                momentum=0.0,
                schedule=schedule or config.Constant(),
            ),
            batch_size,
            preset.num_epochs,
            preset.num_evaluations,
            batch_size_schedule,
        )

    return [
        run(low * factor, small, batch_size_schedule=rise),
        run(low, small, schedule=fall),
        run(low, small),
        run(low * factor, small * preset.factor),
    ]


def settings(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Returns the runs of each of the four settings by its name."""
    cyclic_batch = runs["batch_size_schedule"].notna()
    cyclic_rate = runs["schedule"].notna()
    constant = runs[~cyclic_batch & ~cyclic_rate]
    small = constant["batch_size"] == constant["batch_size"].min()
    return {
        CYCLIC_BATCH: runs[cyclic_batch],
        CYCLIC_RATE: runs[cyclic_rate],
        SMALL: constant[small],
        LARGE: constant[~small],
    }


def judge(results: study.Results) -> list[claims.Claim]:
    """Curves of equal ratio match better than curves of unequal ratio."""
    curves = {
        name: learning_curves.of(results, rows)
        for name, rows in settings(results.runs).items()
    }
    unequal = np.mean(
        [
            learning_curves.distances(curves[cyclic], curves[constant])
            for cyclic in (CYCLIC_BATCH, CYCLIC_RATE)
            for constant in (SMALL, LARGE)
        ],
        axis=0,
    )
    note = learning_curves.note(results.runs)
    return [
        claims.above(
            f"{claim} match: curves of unequal ratio lie further apart",
            "distance of accuracy curves, cyclic to constant settings / the pair",
            learning_curves.ratio(
                unequal, learning_curves.distances(curves[first], curves[second])
            ),
            1,
            note,
        )
        for claim, first, second in (
            ("Cyclic batch size and cyclic learning rate", CYCLIC_BATCH, CYCLIC_RATE),
            ("Constant settings of the same ratio", SMALL, LARGE),
        )
    ]
