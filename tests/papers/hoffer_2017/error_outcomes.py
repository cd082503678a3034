"""Made-up runs whose test error falls to a given number, in phases of the rate."""

import numpy as np

from tests.studies import made_up


def results(runs, final_error, noise=1e-4, train_error=lambda run: 0.0, curve=None):
    """Returns tables of runs that end at errors.

    Args:
      runs: configurations.
      final_error: takes a run; None makes it diverge half way.
      noise: standard deviation of every test error.
      train_error: takes a run, likewise.
      curve: takes a run and its shares of the steps, to test errors before the end;
        None lets them fall evenly.
    """

    def outcome(run, generator):
        last = final_error(run)
        if last is None:
            return None
        share = np.array(run.evaluation_steps) / run.num_steps
        falling = 0.9 + (last - 0.9) * share
        errors = falling if curve is None else np.array(curve(run, share))
        errors[-1] = last
        errors = errors + generator.normal(0, noise, len(errors))
        accuracies = (1 - errors).clip(0, 1).tolist()
        final = {
            "test_accuracy": accuracies[-1],
            "test_cross_entropy": 5 * errors[-1],
            "train_accuracy": 1 - train_error(run),
            "train_cross_entropy": 0.001 + 5 * train_error(run),
        }
        steps = list(run.evaluation_steps)
        return {"step": steps, "test_accuracy": accuracies}, final

    return made_up.results(runs, outcome)


def of_seed(run):
    """Returns what a seed adds to the error at every setting, some 0.005."""
    return 0.005 * np.random.default_rng(run.seed).normal()
