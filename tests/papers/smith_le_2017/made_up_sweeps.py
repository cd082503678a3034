"""Results of figures 4 to 7 with a known optimum batch size."""

import numpy as np

from tests.studies import made_up

FIGURE4, FIGURE5, FIGURE6, FIGURE7 = (f"smith_le_2017/fig{n}" for n in (4, 5, 6, 7))


def results(name, optimum, highest=lambda run: 0.95, *, scale="quick", floor=None):
    """Accuracy falls by 0.01 (log2(B / optimum))^2 from `highest`; both take a run.

    Batch sizes up to `floor` diverge.
    """

    def outcome(run, rng):
        if floor and run.batch_size <= floor:
            return None
        drop = 0.01 * np.log2(run.batch_size / optimum(run)) ** 2
        accuracy = max(0.1, highest(run) - drop) + 0.001 * rng.normal()
        curve = {"step": [run.num_steps], "test_accuracy": [accuracy]}
        return curve, {"test_accuracy": accuracy}

    return made_up.results(made_up.runs(name, scale, 4), outcome)


def cliffs(name, optimum, edge, scale="quick"):
    """As `results`, but below the batch size `edge` training breaks down to chance."""

    def outcome(run, rng):
        octaves = np.log2(run.batch_size / edge(run))
        learns = 1 / (1 + np.exp(-8 * octaves))
        drop = 0.01 * np.log2(run.batch_size / optimum(run)) ** 2
        accuracy = 0.1 + (0.85 - drop) * learns + 0.001 * rng.normal()
        curve = {"step": [run.num_steps], "test_accuracy": [accuracy]}
        return curve, {"test_accuracy": accuracy}

    return made_up.results(made_up.runs(name, scale, 4), outcome)


def mean_accuracies(runs):
    """By batch size; a diverged run counts with chance."""
    accuracy = runs["final_test_accuracy"].astype(float).fillna(0.1)
    return accuracy.groupby(runs["batch_size"]).mean()
