"""Jastrzebski et al. (2018), figure 4: the line between two trained networks.

Loss and accuracy at start + alpha (end - start) for alpha in [-1, 2].

Both ends are trained on the same examples, from initial weights of their own. (From
common ones they lie in one basin, whose walls the line does not reach.) As some initial
weights lead to wider basins than others, each seed takes two and draws the line twice,
crossed: first setting from one and second from the other, and the reverse. The paper
says no more than that different random initialisations gave similar plots.
"""

import functools
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bsgen import config, data, statistics
from bsgen.papers.jastrzebski_2018 import basin_widths, grid, presets
from bsgen.studies import budgets, claims, measurement, study, tasks
from bsgen.training import cost

TRAIN_ACCURACY, TEST_ACCURACY = "train_accuracy", "test_accuracy"
_SAME = 1.25  # widths count as the same within this factor; our choice
_OTHER_WEIGHTS = 1000  # added to a seed for its second initial weights


class Pair(NamedTuple):
    """Two settings whose networks are joined; a panel of the figure.

    Attributes:
      panel: its letter.
      task: what both are trained on.
      first, second: learning rate and batch size at alpha = 0 and at alpha = 1. Where
        their ratios differ, the first is higher.
    """

    panel: str
    task: tasks.Task
    first: tuple[float, int]
    second: tuple[float, int]


_DIGITS = grid.TASKS["quick"]
_RESNET, _VGG = (
    tasks.Task(
        presets.CIFAR10,
        model,
        presets.sgd(0.1),
        batch_size=50,
        budget=budgets.Epochs(200),
        num_seeds=presets.NUM_SEEDS["paper"],
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
    ),
    "paper": (
        Pair("a", _RESNET, (0.1, 50), (0.1, 400)),
        Pair("b", _RESNET, (0.1, 50), (0.0125, 50)),
        Pair("c", _VGG, (0.1, 50), (0.4, 200)),
        Pair("d", _VGG, (0.1, 50), (0.8, 400)),
    ),
}
# Of the training set, on the line; all test examples are.
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
    weights = seed, seed + _OTHER_WEIGHTS
    runs = tuple(
        _run(scale, pair.task, *setting, seed, initial)
        for setting, initial in zip(
            (pair.first, pair.second),
            reversed(weights) if crossed else weights,
            strict=True,
        )
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
    # A forward pass is a third of a step; the test set is of the same order.
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
    scale: str,
    task: tasks.Task,
    learning_rate: float,
    batch_size: int,
    seed: int,
    initial: int,
) -> config.RunConfig:
    """Returns a run on the examples of `seed` from the weights of seed `initial`."""
    changes: dict[str, Any] = {"learning_rate": learning_rate, "subset_seed": seed}
    if task is grid.TASKS.get(scale) and initial == seed:
        changes |= grid.measured(scale)  # so it is one of figure 3's
    return task.run(seed=initial, batch_size=batch_size, **changes)


def _measure(
    runs: tuple[config.RunConfig, ...],
    num_examples: int,
    num_alphas: int,
    place: measurement.Place,
) -> list[dict[str, Any]]:
    """Returns a row an alpha; its values are None where a network diverged."""
    alphas = np.linspace(-1.0, 2.0, num_alphas)
    if any(place.record(run).status == "diverged" for run in runs):
        names = (
            "distance",
            basin_widths.LOSS,
            TRAIN_ACCURACY,
            "test_cross_entropy",
            TEST_ACCURACY,
        )
        nothing = dict.fromkeys(names)
        return [{"alpha": float(alpha), **nothing} for alpha in alphas]
    examples = data.load(runs[0].data, place.data_dir)
    inputs, labels = examples.train
    measured = inputs[:num_examples], labels[:num_examples]
    start, end = (place.model(run) for run in runs)
    columns = {
        "alpha": alphas,
        **_along(start, end, alphas, measured, "train"),
        **_along(start, end, alphas, examples.test, "test"),
    }
    return pd.DataFrame(columns).to_dict("records")


def _along(
    start: Any,
    end: Any,
    alphas: np.ndarray,
    examples: tuple[np.ndarray, np.ndarray],
    part: str,
) -> dict[str, Any]:
    """Returns columns of the line from one network to another on part of the data."""
    import keras

    from bsgen import measures

    line = measures.loss_along_line(
        start,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        examples,
        start,
        end,
        alphas,
        metrics={"accuracy": keras.metrics.sparse_categorical_accuracy},
        batch_size=500,
    )
    return {
        "distance": line.distance,
        f"{part}_cross_entropy": line.loss,
        f"{part}_accuracy": line.metrics["accuracy"],
    }


def judge(results: study.Results) -> list[claims.Claim]:
    """A higher ratio gives a wider basin, the same ratio the same width."""
    table = basin_widths.of(results.measurements)
    note = (
        f"{statistics.t_interval_note(table['seed'].nunique())} on the logarithm, each "
        "the mean of two crossed lines; the edge is where the training loss is "
        f"{basin_widths.RISE:g} higher"
    )
    judged = []
    for panel, lines in results.measurements.groupby("panel"):
        pair = lines.iloc[0]
        rate, other_rate = pair["learning_rate"], pair["other_learning_rate"]
        size, other_size = pair["batch_size"], pair["other_batch_size"]
        ratio = _ratio(table[table["panel"] == panel])
        quantity = (
            f"width of the basin of {rate:g} / {size} over that of {other_rate:g} / "
            f"{other_size}"
        )
        start = f"({panel}) {pair['model']}: "
        if same_ratio(pair):
            claim = start + "the same ratio gives the same width"
            bounds = 1 / _SAME, _SAME
            judged.append(claims.between(claim, quantity, ratio, bounds, note))
        else:
            how = "a smaller batch size" if rate == other_rate else "a higher rate"
            claim = f"{start}a higher ratio, by {how}, gives a wider minimum"
            judged.append(claims.above(claim, quantity, ratio, 1, note))
    return judged


def same_ratio(pair: pd.Series) -> bool:
    """Whether both ends of a line were trained at one eta / S."""
    ratio = pair["learning_rate"] / pair["batch_size"]
    other = pair["other_learning_rate"] / pair["other_batch_size"]
    return bool(np.isclose(ratio, other))


def _ratio(lines: pd.DataFrame) -> statistics.Interval:
    """Returns the ratio of widths; that of a seed is the geometric mean of its two."""
    logs = np.log(lines["first"]) - np.log(lines["second"])
    # pandas would leave out what is not known.
    by_seed = logs.groupby(lines["seed"]).agg(lambda two: two.to_numpy().mean())
    return statistics.log_ratio_interval(by_seed)
