"""Which runs of the loop engine share a network; known without TensorFlow.

Runs of one seed that differ in batch size, learning rate or budget have the same
network, weights at the beginning and examples.
"""

import dataclasses
from collections.abc import Iterable

from bsgen import config


def alike(run: config.RunConfig) -> str:
    """Returns what is equal for runs whose networks are built alike."""
    optimizer = run.sgd
    # Its learning rate is assigned before every step.
    same = dataclasses.replace(
        optimizer,
        learning_rate=1.0,
        schedule=config.Constant(),
        warm_up=config.MomentumConfig().warm_up,
    )
    return dataclasses.replace(
        run,
        optimizer=same,
        batch_size=None,
        batch_size_schedule=config.Constant(),
        num_steps=1,
        evaluation_steps=(),
        final_measures=(),
        measured_examples=None,
        stop_train_loss=None,
        weight_distance=False,
    ).key


def in_a_row(
    runs: Iterable[config.RunConfig],
) -> list[tuple[str, config.RunConfig]]:
    """Returns the runs, each with its `alike`, those of an equal one in a row."""
    groups: dict[str, list[config.RunConfig]] = {}
    for run in runs:
        groups.setdefault(alike(run), []).append(run)
    return [(key, run) for key, group in groups.items() for run in group]
