"""Made-up runs of a grid of learning rates, with known optima."""

import numpy as np

from bsgen.papers.smith_elsen_de_2020 import grids, optima, presets
from bsgen.studies import best_runs
from tests.studies import made_up

NUM_SEEDS = 5
TASK = presets.WIDE_RESNET["quick"].changed(num_seeds=NUM_SEEDS)


def setting(batch_sizes, last, rates=None, task=TASK):
    """Returns a setting whose rates reach two powers of two beyond every optimum."""
    rates = rates or (lambda batch_size, momentum: grids.powers_of_two(-4, 6))
    grid = grids.Grid(task, batch_sizes, rates, tuple(last))
    return optima.Setting(grid, best_runs.Selection(4, NUM_SEEDS), last)


def results(
    found, rate, accuracy, loss, noise=2e-3, num_seeds=None, share=0.01, **changes
):
    """Returns tables of the runs of a setting.

    Args:
      found: a setting.
      rate: takes batch size and momentum to the optimal effective rate; beyond eight
        times it runs diverge.
      accuracy, loss: take them to the test accuracy and the training loss there; the
        accuracy falls by `share` times the square of log2 of the rate over it.
      noise: standard deviation of the accuracy; seeds share twice as much.
      num_seeds: repeats; None for the task's.
      share: see `accuracy`.
      **changes: of the runs.
    """

    def outcome(run, generator):
        momentum = run.sgd.momentum
        effective = run.sgd.learning_rate / (1 - momentum)
        octaves = np.log2(effective / rate(run.batch_size, momentum))
        if octaves > 3.1:
            return None
        of_seed = 2 * noise * np.random.default_rng(run.seed).normal()
        found = accuracy(run.batch_size, momentum) - share * octaves**2 + of_seed
        log = np.log(loss(run.batch_size, momentum)) + 0.1 * octaves**2
        return {}, {
            "test_accuracy": float(found + noise * generator.normal()),
            "test_cross_entropy": 0.5,
            "train_cross_entropy": float(np.exp(log + noise * generator.normal())),
        }

    return made_up.results(found.grid.runs(num_seeds, **changes), outcome)
