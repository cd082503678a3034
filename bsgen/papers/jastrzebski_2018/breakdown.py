"""Jastrzebski et al. (2018), figure 5: where the scaling by one factor breaks down.

Learning rate and batch size are both multiplied by beta, for two training set sizes.
"""

import dataclasses

import numpy as np
import pandas as pd

from bsgen import config, statistics
from bsgen.papers.jastrzebski_2018 import learning_curves, presets
from bsgen.studies import claims, study

BEST = "best_test_accuracy"
_SIMILAR = 0.01  # "similar final performance", our reading


@dataclasses.dataclass(frozen=True)
class Preset:
    """The settings of one scale.

    Attributes:
      dataset: its name.
      train_sizes: N, the smaller first.
      model: the network.
      batch_size, learning_rate: at beta = 1.
      betas: from 1 on.
      num_epochs: passes over the training set.
      num_evaluations: of each curve.
    """

    dataset: str
    train_sizes: tuple[int, int]
    model: config.ModelConfig
    batch_size: int
    learning_rate: float
    betas: tuple[int, ...]
    num_epochs: int
    num_evaluations: int


PRESETS = {
    "quick": Preset(
        "digits",
        (250, 1000),
        presets.QUICK_MODEL,
        batch_size=10,
        learning_rate=0.1,
        betas=(1, 2, 4, 8, 16, 25),
        num_epochs=30,
        num_evaluations=15,
    ),
    # Learning rate and batch size are the paper's, the rest is our choice.
    "paper": Preset(
        "cifar10",
        (12_500, 50_000),
        presets.VGG,
        batch_size=50,
        learning_rate=0.1,
        betas=(1, 2, 4, 8, 16, 32),
        num_epochs=200,
        num_evaluations=100,
    ),
}


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns every beta for both sizes and each seed."""
    preset = PRESETS[scale]
    return [
        presets.run(
            preset.model,
            presets.data(preset.dataset, train_size, seed),
            config.MomentumConfig(
                learning_rate=preset.learning_rate * beta, momentum=0.0
            ),
            preset.batch_size * beta,
            preset.num_epochs,
            preset.num_evaluations,
        )
        for train_size in preset.train_sizes
        for beta in preset.betas
        for seed in range(num_seeds or presets.NUM_SEEDS[scale])
    ]


def by_size_and_beta(runs: pd.DataFrame) -> dict[int, dict[int, pd.DataFrame]]:
    """Returns the runs of each training set size by their beta, both rising."""
    smallest = runs["batch_size"].min()
    return {
        int(size): {
            round(batch_size / smallest): part
            for batch_size, part in rows.groupby("batch_size")
        }
        for size, rows in runs.groupby("train_size")
    }


def judge(results: study.Results) -> list[claims.Claim]:
    """One factor changes little up to a limit, which is lower for less data."""
    found = by_size_and_beta(results.runs)
    small, large = found
    second, last = list(found[large])[1], list(found[large])[-1]
    note = f"{statistics.t_interval_note(results.runs['seed'].nunique())}, paired"
    return [
        claims.between(
            f"Performance is similar up to a limit: beta = {second} as beta = 1",
            f"best test accuracy at N = {large}, beta = 1 minus beta = {second}",
            _loss(found[large], second),
            (-_SIMILAR, _SIMILAR),
            note + "; 'similar' read as within 0.01, our choice",
        ),
        *(
            claims.above(
                f"The scaling breaks down at large beta, with {size} examples",
                f"best test accuracy, beta = 1 minus beta = {last}",
                _loss(found[size], last),
                0,
                note,
            )
            for size in (large, small)
        ),
        claims.above(
            "The breakdown is magnified for the smaller data set",
            "mean distance of accuracy curves to that of beta = 1, "
            f"N = {small} / N = {large}",
            learning_curves.ratio(
                _mean_distance(results, found[small]),
                _mean_distance(results, found[large]),
            ),
            1,
            learning_curves.note(results.runs),
        ),
    ]


def _loss(by_beta: dict[int, pd.DataFrame], beta: int) -> statistics.Interval:
    first, other = (
        by_beta[b].sort_values("seed")[BEST].astype(float).fillna(presets.CHANCE)
        for b in (1, beta)
    )
    return statistics.mean_interval(first.to_numpy() - other.to_numpy())


def _mean_distance(
    results: study.Results, by_beta: dict[int, pd.DataFrame]
) -> np.ndarray:
    """Returns the mean over beta > 1 for each seed."""
    curves = {beta: learning_curves.of(results, rows) for beta, rows in by_beta.items()}
    return np.mean(
        [
            learning_curves.distances(curves[beta], curves[1])
            for beta in by_beta
            if beta > 1
        ],
        axis=0,
    )
