"""Jastrzebski et al. (2018), figure 4: lines between the weights of trained networks.

Loss and accuracy at start + alpha (end - start) for alpha in [-1, 2].

Both ends are trained on the same examples, from different initial weights: from the
same they end in one basin, whose walls the line does not reach. Some initial weights
lead to wider basins than others. So each seed takes two and draws two lines, where the
first setting starts from one and the second from the other, and crossed, the reverse.
The paper only says that different random initialisations gave similar plots.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bsgen import config, data
from bsgen.papers.jastrzebski_2018 import grid, presets
from bsgen.studies import budgets, measurement, tasks
from bsgen.training import cost

_OTHER_WEIGHTS = 1000  # what a seed adds to itself for its second initial weights
_VALUES = (
    "distance",
    "train_cross_entropy",
    "train_accuracy",
    "test_cross_entropy",
    "test_accuracy",
)


class Pair(NamedTuple):
    """Two settings whose networks are joined; a panel of the figure.

    Attributes:
      panel: its letter.
      task: that both are trained on.
      first, second: learning rate and batch size at alpha = 0 and at alpha = 1. Where
        their ratios differ, the first is higher.
      first_epochs: for how long the network at alpha = 0 trains, where not as the task
        says: until its training loss is about that of the other.
    """

    panel: str
    task: tasks.Task
    first: tuple[float, int]
    second: tuple[float, int]
    first_epochs: int | None = None


_DIGITS = grid.TASKS["quick"]
_RESNET, _VGG = (
    presets.on_cifar10(
        model, learning_rate=0.1, batch_size=50, budget=budgets.Epochs(200)
    )
    for model in (presets.RESNET, presets.VGG)
)
# First different ratios, the second lower by a larger batch or by a lower rate; then
# equal ones. The paper gives the networks and, for VGG-11, eta = 0.1 beta and
# S = 50 beta; beta, the settings of ResNet-56 and the epochs are our choice.
PAIRS = {
    "quick": (
        Pair("a", _DIGITS, (0.25, 40), (0.25, 250)),
        Pair("b", _DIGITS, (0.25, 40), (0.04, 40)),
        Pair("c", _DIGITS, (0.04, 40), (0.25, 250)),
        # The paper argues with minima of equal loss, but in (a) the higher ratio ends
        # 28 times lower. It takes 10 epochs to the other's loss of 0.0024.
        Pair("d", _DIGITS, (0.25, 40), (0.25, 250), first_epochs=10),
    ),
    "paper": (
        Pair("a", _RESNET, (0.1, 50), (0.1, 400)),
        Pair("b", _RESNET, (0.1, 50), (0.0125, 50)),
        Pair("c", _VGG, (0.1, 50), (0.4, 200)),
        Pair("d", _VGG, (0.1, 50), (0.8, 400)),
    ),
}
# Training examples that are measured on the line, besides all test examples.
MEASURED_EXAMPLES = {"quick": 1000, "paper": 5000}
NUM_ALPHAS = {"quick": 121, "paper": 61}  # places on the line, equally far apart


def measurements(scale: str, num_seeds: int | None) -> list[measurement.Measurement]:
    """Returns every pair's line, crossed and not, for each seed."""
    return [
        _measurement(scale, pair, seed, crossed)
        for pair in PAIRS[scale]
        for seed in pair.task.seeds(num_seeds)
        for crossed in (False, True)
    ]


def _measurement(
    scale: str, pair: Pair, seed: int, crossed: bool
) -> measurement.Measurement:
    initial = seed, seed + _OTHER_WEIGHTS
    if crossed:
        initial = initial[::-1]
    task = pair.task
    if pair.first_epochs:
        task = dataclasses.replace(task, budget=budgets.Epochs(pair.first_epochs))
    runs = (
        _run(scale, task, pair.first, seed, initial[0]),
        _run(scale, pair.task, pair.second, seed, initial[1]),
    )
    num_examples, num_alphas = MEASURED_EXAMPLES[scale], NUM_ALPHAS[scale]
    settings: dict[str, measurement.Value] = {
        "panel": pair.panel,
        "model": pair.task.model.name,
        "learning_rate": pair.first[0],
        "batch_size": pair.first[1],
        "other_learning_rate": pair.second[0],
        "other_batch_size": pair.second[1],
        "measured_examples": num_examples,
        "num_alphas": num_alphas,
        "seed": seed,
        "crossed": crossed,
    }
    if pair.first_epochs:
        settings["first_epochs"] = pair.first_epochs
    # A forward pass takes a third of a training step; there are about as many test
    # examples as measured ones.
    passes = num_alphas * 2 * num_examples / 3
    trained = runs[0].num_steps * pair.first[1]
    return measurement.Measurement(
        settings,
        functools.partial(_measure, runs, num_examples, num_alphas),
        runs,
        datasets=(pair.task.data.name,),
        seconds=1.0 + cost.seconds(runs[0]) * passes / trained,
    )


def _run(
    scale: str, task: tasks.Task, setting: tuple[float, int], seed: int, initial: int
) -> config.RunConfig:
    """Returns a run on the examples of `seed` from the weights of seed `initial`."""
    learning_rate, batch_size = setting
    is_in_figure3 = task is grid.TASKS.get(scale) and initial == seed
    return task.run(
        seed=initial,
        subset_seed=seed,
        learning_rate=learning_rate,
        batch_size=batch_size,
        **(grid.measured(scale) if is_in_figure3 else {}),
    )


def _measure(
    runs: tuple[config.RunConfig, ...],
    num_examples: int,
    num_alphas: int,
    place: measurement.Place,
) -> list[dict[str, Any]]:
    """Returns a row for each alpha; all values are None if a network diverged."""
    alphas = np.linspace(-1.0, 2.0, num_alphas)
    if any(place.record(run).status == "diverged" for run in runs):
        return [{"alpha": alpha, **dict.fromkeys(_VALUES)} for alpha in alphas.tolist()]
    import keras

    from bsgen import measures

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    metrics = {"accuracy": keras.metrics.sparse_categorical_accuracy}
    examples = data.load(runs[0].data, place.data_dir)
    inputs, labels = examples.train
    measured = inputs[:num_examples], labels[:num_examples]
    start, end = (place.model(run) for run in runs)
    columns: dict[str, Any] = {"alpha": alphas}
    for part, batch in (("train", measured), ("test", examples.test)):
        line = measures.loss_along_line(
            start, loss, batch, start, end, alphas, metrics=metrics, batch_size=1000
        )
        columns |= {
            "distance": line.distance,
            f"{part}_cross_entropy": line.loss,
            f"{part}_accuracy": line.metrics["accuracy"],
        }
    return pd.DataFrame(columns).to_dict("records")
