"""Small runs for tests of the ensemble engine, and a spy on its programs."""

import contextlib
from collections.abc import Iterator
from unittest import mock

from bsgen import config
from bsgen.training import ensemble
from bsgen.training.ensemble import stacked_program

EVALUATIONS = (0, 1, 7, 30, 150)
RELU = ("mlp", (16,), "relu")


def run(
    task="digits",
    batch_size=24,
    model=("mlp", (16,), "tanh"),
    train_size=200,
    seed=3,
    sampling="shuffle",
    scaling="unit_norm",
    validation_size=0,
    num_steps=300,
    **optimizer,
):
    """A run far from the edge of stability, so that rounding is not amplified."""
    if task != "digits":
        optimizer.setdefault("learning_rate", 0.005)
        scaling = "none"
    optimizer.setdefault("learning_rate", 0.1)
    return config.RunConfig(
        data=config.DataConfig(
            task, train_size, validation_size, scaling, seed + 1, sampling
        ),
        model=config.ModelConfig(*model),
        optimizer=config.MomentumConfig(**optimizer),
        batch_size=batch_size,
        num_steps=num_steps,
        evaluation_steps=tuple(s for s in EVALUATIONS if s <= num_steps),
        seed=seed,
    )


def train(runs, **arguments):
    """Returns the records by the runs' keys."""
    return {record.run.key: record for record in ensemble.train(runs, **arguments)}


@contextlib.contextmanager
def spied_programs() -> Iterator[list[int]]:
    """Yields a list to which each call of a program appends its number of runs."""
    take_steps = stacked_program.Program.take_steps
    sizes = []

    def spied(own, state, settings, batches, *steps):
        sizes.append(batches.positions.shape[1])
        return take_steps.__get__(own, type(own))(state, settings, batches, *steps)

    with mock.patch.object(stacked_program.Program, "take_steps", spied):
        yield sizes
