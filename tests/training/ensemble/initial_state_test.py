"""Tests of where the runs of a program begin."""

import dataclasses

import numpy as np
import tensorflow as tf

from bsgen import config, data, models
from bsgen.training.ensemble import engine, initial_state
from tests.training import small_runs


class MakeTest(tf.test.TestCase):
    def test_each_run_begins_as_its_model_whatever_began_before(self):
        # Twice, as untrained models are kept.
        runs = [
            small_runs.run(model=("mlp", (width,), "tanh"), seed=seed)
            for width, seed in ((5, 1), (5, 2), (6, 1), (5, 1))
        ]
        for run in runs + runs:
            ((state, _), pool) = _made(run)
            model = models.build(run.model, (8, 8), pool.num_classes, run.seed)
            for weights, variable in zip(
                state.weights, model.trainable_variables, strict=True
            ):
                np.testing.assert_array_equal(weights[0], variable.numpy())

    def test_networks_of_other_inputs_and_classes(self):
        digits, gaussian = (
            small_runs.run(task, model=("mlp", (5,), "tanh"))
            for task in ("digits", "gaussian_informative")
        )
        shapes = [
            [weight.shape[1:] for weight in _made(run)[0][0].weights]
            for run in (digits, gaussian)
        ]
        self.assertEqual(shapes[0][0], (64, 5))
        self.assertNotEqual(shapes[0], shapes[1])

    def test_training_leaves_the_beginning_as_it_is(self):
        run = small_runs.run(num_steps=3)
        before = [weight.numpy() for weight in _made(run)[0][0].weights]
        small_runs.train([run, dataclasses.replace(run, seed=run.seed + 1)])
        for weight, after in zip(before, _made(run)[0][0].weights, strict=True):
            np.testing.assert_array_equal(weight, after)


def _made(run: config.RunConfig):
    """The state and the settings of a program of one run, and its pool."""
    pool = data.load_pool(run.data)
    row = engine.check(run)
    return initial_state.make([row], pool), pool


if __name__ == "__main__":
    tf.test.main()
