"""Grids of learning rates at every batch size, which all figures are made of."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from bsgen import config, theory
from bsgen.studies import tasks

# Takes a batch size and a momentum, and returns effective learning rates, rising.
Rates = Callable[[int, float], Sequence[float]]


@dataclasses.dataclass(frozen=True)
class Grid:
    """What a figure trains.

    Attributes:
      task: network, data, schedule and budget.
      batch_sizes: B, rising.
      rates: the effective learning rates to try.
      momenta: m.
    """

    task: tasks.Task
    batch_sizes: Sequence[int]
    rates: Rates
    momenta: Sequence[float] = (0.0, 0.9)

    def runs(
        self, num_seeds: int | None = None, **changes: Any
    ) -> list[config.RunConfig]:
        """Returns every run, by momentum, batch size, learning rate and seed.

        Args:
          num_seeds: repeats; None for the task's own number.
          **changes: other settings, as of `tasks.Task.run`.
        """
        return [
            self.task.run(
                seed=seed,
                batch_size=batch_size,
                momentum=momentum,
                learning_rate=rate * (1 - momentum),
                **changes,
            )
            for momentum in self.momenta
            for batch_size in self.batch_sizes
            for rate in self.rates(batch_size, momentum)
            for seed in self.task.seeds(num_seeds)
        ]


def powers_of_two(first: float, last: float, per_octave: int = 1) -> tuple[float, ...]:
    """Returns 2^first to 2^last, so many rates to a factor of two."""
    ends = round(first * per_octave), round(last * per_octave)
    exponents = range(ends[0], ends[1] + 1)
    return tuple(2.0 ** (exponent / per_octave) for exponent in exponents)


def around(
    expected: float, below: int, above: int, per_octave: int = 1
) -> tuple[float, ...]:
    """Returns powers of two around the one nearest to a rate.

    Args:
      expected: the rate.
      below, above: how many powers of two there are on each side.
      per_octave: how many rates there are to a factor of two.
    """
    nearest = round(math.log2(expected))
    return powers_of_two(nearest - below, nearest + above, per_octave)


def effective(runs: pd.DataFrame) -> pd.DataFrame:
    """Returns runs with two more columns.

    Args:
      runs: rows of `Results.runs`.

    Returns:
      `effective_learning_rate`, as in the grid again, and `num_epochs`, the passes
      over the training set.
    """
    rates = theory.effective_learning_rate(
        runs["learning_rate"].to_numpy(float), runs["momentum"].to_numpy(float)
    )
    epochs = runs["num_steps"] * runs["batch_size"] / runs["train_size"]
    # A rate times 1 - m, divided by it, may differ from itself in the last place.
    rounded = [float(f"{rate:.9g}") for rate in rates]
    return runs.assign(effective_learning_rate=rounded, num_epochs=epochs)
