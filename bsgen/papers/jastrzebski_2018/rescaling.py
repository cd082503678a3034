"""Jastrzebski et al. (2018), figure 2: rules for the learning rate of a large batch."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.figures import style
from bsgen.papers.jastrzebski_2018 import learning_curves, presets, rescaling_figure
from bsgen.studies import budgets, claims, study

# How the learning rate grows with the batch size, from the highest rate to the lowest.
RULES = ("linear", "sqrt", "none")
FACTOR = 10  # the large batch size over the small one
_RESNET_DROPS = config.Stepwise((60.0, 100.0, 140.0, 180.0), (1e-1, 1e-2, 1e-3, 1e-4))
_VGG_DROPS = config.Stepwise(
    tuple(25.0 * k for k in range(1, 8)), tuple(0.5**k for k in range(1, 8))
)
# A task for each panel, with its small batch.
TASKS = {
    "quick": (
        presets.on_digits(
            learning_rate=0.02,
            batch_size=20,
            budget=budgets.Epochs(20, num_evaluations=20),
        ),
    ),
    # The paper gives the small batch and the drops; the rates, the large batch and, for
    # VGG-11, the epochs are our choice.
    "paper": tuple(
        presets.on_cifar10(
            model,
            learning_rate=0.05,
            batch_size=50,
            budget=budgets.Epochs(200, num_evaluations=100),
            schedule=drops,
        )
        for model, drops in (
            (presets.RESNET, _RESNET_DROPS),
            (presets.VGG, _VGG_DROPS),
        )
    ),
}


class Panel(NamedTuple):
    """The curves of one network.

    Attributes:
      small: the small batch.
      large: the large batch by rule for its learning rate.
      distances: by rule, of the large batch's curves to the small one's, [seeds].
    """

    small: learning_curves.Setting
    large: dict[str, learning_curves.Setting]
    distances: dict[str, np.ndarray]


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns the small batch and the large one by every rule, for each seed."""
    return [
        task.run(seed=seed, batch_size=task.batch_size * factor, scaling=rule)
        for task in TASKS[scale]
        for factor, rule in ((1, "none"), *((FACTOR, rule) for rule in RULES))
        for seed in task.seeds(num_seeds)
    ]


def analyse(results: study.Results) -> dict[str, Panel]:
    """Returns the panel of each network, by the network's name."""
    return {
        str(model): _panel(results, rows)
        for model, rows in results.runs.groupby("model", sort=False)
    }


def _panel(results: study.Results, runs: pd.DataFrame) -> Panel:
    is_small = runs["batch_size"] == runs["batch_size"].min()
    small = learning_curves.setting(results, runs[is_small])
    by_rate = sorted(runs[~is_small].groupby("learning_rate"), reverse=True)
    large = {
        rule: learning_curves.setting(results, rows)
        for rule, (_, rows) in zip(RULES, by_rate, strict=True)
    }
    distances = {rule: setting.distances(small) for rule, setting in large.items()}
    return Panel(small, large, distances)


def judge(panels: dict[str, Panel]) -> list[claims.Claim]:
    """Rescaling by the same amount as the batch size gives the closest match."""
    return [claim for model, panel in panels.items() for claim in _judge(model, panel)]


def _judge(model: str, panel: Panel) -> list[claims.Claim]:
    closest = [
        learning_curves.further_apart(
            f"{model}: rescaling the learning rate as the batch size matches the small "
            f"batch better than {words}",
            f"distance of accuracy curves to the small batch, {rule} rule / linear "
            "rule",
            panel.distances[rule],
            panel.distances["linear"],
        )
        for rule, words in (
            ("sqrt", "by its square root"),
            ("none", "not rescaling it"),
        )
    ]
    both = f"{model}: the small batch and the large one by the linear rule"
    match = learning_curves.match(
        both, panel.large["linear"], panel.small, "the small batch"
    )
    return closest + match


STUDY = study.Study(
    "jastrzebski_2018/fig2",
    "Small batch against large batch under rules for the learning rate",
    caption="(a) Test accuracy during training of a small batch, and of a large one "
    "with the learning rate rescaled as the batch size, as its square root, or not at "
    f"all: {style.BAND}. {style.ACCURACY_AXIS} (b) Root mean squared difference of "
    "each large batch's curve from the small batch's of the same seed, and of the "
    "small batch's from those of other seeds: geometric mean with its 95 % t interval, "
    "and each seed as a dot.",
    analyse=analyse,
    judge=judge,
    show=rescaling_figure.show,
    make_runs=runs,
)
