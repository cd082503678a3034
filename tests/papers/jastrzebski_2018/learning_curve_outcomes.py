"""Made-up learning curves for the tests of figures 1, 2 and 5."""

import numpy as np

from bsgen.training import step_plan
from tests.studies import made_up


def results(runs, final_accuracy, noise=1e-3):
    """Returns tables of curves that rise to `final_accuracy(run)`, with noise."""

    def outcome(run, generator):
        epochs = step_plan.make(run, run.data.train_size).epochs
        reached = epochs[list(run.evaluation_steps)]
        share = 1 - np.exp(-5 * reached / reached[-1])
        accuracy = 0.1 + (final_accuracy(run) - 0.1) * share
        accuracy += generator.normal(0, noise, len(accuracy))
        curve = {
            "step": list(run.evaluation_steps),
            "epoch": reached.tolist(),
            "test_accuracy": accuracy.tolist(),
        }
        return curve, {"test_accuracy": accuracy[-1]}

    return made_up.results(runs, outcome)


def of_seed(run):
    """Returns what a seed adds to the accuracy of every setting, some 0.01."""
    return 0.01 * np.random.default_rng(run.seed).normal()
