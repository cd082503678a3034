"""Made-up results of runs over a range of epoch budgets, of known truth."""

from collections.abc import Callable

import numpy as np

from bsgen import config
from bsgen.studies import study
from tests.studies import made_up


def results(
    runs: list[config.RunConfig],
    accuracy: Callable[[config.RunConfig, float], float],
    loss: Callable[[config.RunConfig, float], float],
    noise: float = 0.0005,
) -> study.Results:
    """Returns the tables of `runs`.

    Args:
      runs: they.
      accuracy: of a run and its epochs, the test accuracy.
      loss: likewise, the training loss.
      noise: standard deviation of the accuracy, ten times of it that of the log loss;
        half as much again is common to all runs of a seed.
    """

    def outcome(run, generator):
        epochs = run.num_steps * run.batch_size / run.data.train_size
        common = np.random.default_rng(run.seed).normal(size=2) / 2
        own = noise * (generator.normal(size=2) + common)
        return {}, {
            "test_accuracy": accuracy(run, epochs) + own[0],
            "train_cross_entropy": loss(run, epochs) * np.exp(10 * own[1]),
        }

    return made_up.results(runs, outcome)


def octaves(run: config.RunConfig, optimum: float) -> float:
    """Returns how far a run's effective rate lies above an optimum, in octaves."""
    rate = run.sgd.learning_rate / (1 - run.sgd.momentum)
    return float(np.log2(rate / optimum))
