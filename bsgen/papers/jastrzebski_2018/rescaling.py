"""Jastrzebski et al. (2018), figure 2: rules for the learning rate of a large batch."""

import dataclasses
import math

import pandas as pd

from bsgen import config
from bsgen.papers.jastrzebski_2018 import learning_curves, presets
from bsgen.studies import claims, study

SMALL = "small batch"
# What the learning rate is multiplied by when the batch size is multiplied by k.
RULES = {
    "linear": lambda factor: factor,
    "sqrt": math.sqrt,
    "none": lambda factor: 1.0,
}


@dataclasses.dataclass(frozen=True)
class Task:
    """One panel.

    Attributes:
      dataset: its name.
      train_size: N.
      model: the network.
      batch_size, learning_rate: of the small batch.
      factor: the large batch size over the small one.
      num_epochs: passes over the training set.
      schedule: of the learning rate.
      num_evaluations: of each curve.
    """

    dataset: str
    train_size: int
    model: config.ModelConfig
    batch_size: int
    learning_rate: float
    factor: int
    num_epochs: int
    schedule: config.Schedule = config.Constant()
    num_evaluations: int = 20


_RESNET_DROPS = config.Stepwise((60.0, 100.0, 140.0, 180.0), (1e-1, 1e-2, 1e-3, 1e-4))
_VGG_DROPS = config.Stepwise(
    tuple(25.0 * k for k in range(1, 8)), tuple(0.5**k for k in range(1, 8))
)
TASKS = {
    "quick": (
        Task(
            "digits",
            presets.QUICK_TRAIN_SIZE,
            presets.QUICK_MODEL,
            batch_size=20,
            learning_rate=0.02,
            factor=10,
            num_epochs=20,
        ),
    ),
    # The paper gives the small batch and the drops; the rates, the large batch and, for
    # VGG-11, the epochs are our choice.
    "paper": tuple(
        Task(
            "cifar10",
            50_000,
            model,
            batch_size=50,
            learning_rate=0.05,
            factor=10,
            num_epochs=200,
            schedule=schedule,
            num_evaluations=100,
        )
        for model, schedule in (
            (presets.RESNET, _RESNET_DROPS),
            (presets.VGG, _VGG_DROPS),
        )
    ),
}


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns the small batch and the large one by every rule, for each seed."""
    return [
        _run(task, learning_rate, batch_size, seed)
        for task in TASKS[scale]
        for learning_rate, batch_size in _settings(task).values()
        for seed in range(num_seeds or presets.NUM_SEEDS[scale])
    ]


def _settings(task: Task) -> dict[str, tuple[float, int]]:
    """Returns learning rate and batch size of the small batch and of every rule."""
    large = task.batch_size * task.factor
    return {
        SMALL: (task.learning_rate, task.batch_size),
        **{
            rule: (task.learning_rate * scale(task.factor), large)
            for rule, scale in RULES.items()
        },
    }


def _run(
    task: Task, learning_rate: float, batch_size: int, seed: int
) -> config.RunConfig:
    return presets.run(
        task.model,
        presets.data(task.dataset, task.train_size, seed),
        config.MomentumConfig(
            learning_rate=learning_rate, momentum=0.0, schedule=task.schedule
        ),
        batch_size,
        task.num_epochs,
        task.num_evaluations,
    )


def settings(runs: pd.DataFrame) -> dict[str, dict[str, pd.DataFrame]]:
    """Returns, for each network, the runs of the small batch and of every rule."""
    found: dict[str, dict[str, pd.DataFrame]] = {}
    for model, rows in runs.groupby("model", sort=False):
        small = rows["batch_size"] == rows["batch_size"].min()
        rates = rows[~small].groupby("learning_rate")
        # From the highest rate to the lowest, as the rules stand in their table.
        large = [part for _, part in sorted(rates, key=lambda item: -item[0])]
        found[str(model)] = {
            SMALL: rows[small],
            **dict(zip(RULES, large, strict=True)),
        }
    return found


def judge(results: study.Results) -> list[claims.Claim]:
    """Rescaling by the same amount as the batch size gives the closest match."""
    judged = []
    note = learning_curves.note(results.runs)
    for model, by_rule in settings(results.runs).items():
        curves = {
            name: learning_curves.of(results, rows) for name, rows in by_rule.items()
        }
        apart = {
            rule: learning_curves.distances(curves[rule], curves[SMALL])
            for rule in RULES
        }
        judged += [
            claims.above(
                f"{model}: rescaling the learning rate as the batch size matches the "
                f"small batch better than {words}",
                "distance of accuracy curves to the small batch, "
                f"{rule} rule / linear rule",
                learning_curves.ratio(apart[rule], apart["linear"]),
                1,
                note,
            )
            for rule, words in (
                ("sqrt", "by its square root"),
                ("none", "not rescaling it"),
            )
        ]
    return judged
