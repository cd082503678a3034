"""The rule of thumb on Keras models: full-batch descent has a known critical rate."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors, theory, tuning
from tests.tuning import linear_models


def _found(**changes):
    given = {
        "build_model": linear_models.linear,
        "train_data": linear_models.linear_data(),
        "validation_data": linear_models.linear_data(1),
        "num_epochs": 20,
        "loss": "mse",
        "batch_size": 4,
        "large_batch_size": linear_models.SIZE,
        "momentum": 0.0,
        "num_repeats": 1,
    }
    return tuning.rule_of_thumb(**{**given, **changes})


class RuleOfThumbTest(parameterized.TestCase):
    def test_the_largest_stable_rate_is_below_the_critical_one(self):
        inputs, _ = linear_models.linear_data()
        hessian = 2 / linear_models.SIZE * inputs.T @ inputs
        critical = theory.critical_learning_rate(np.linalg.eigvalsh(hessian).max())
        # Of 0.7 critical times powers of two it is the largest: at 1.4 the loss grows
        # by (1 - 2 * 1.4)^2 a step.
        first = float(0.7 * critical) / 8
        decisions = []
        found = _found(learning_rate=first, on_decision=decisions.append)
        self.assertAlmostEqual(found.largest.learning_rate, 8 * first)
        self.assertEqual(found.largest.batch_size, linear_models.SIZE)
        factor = found.largest.learning_rate / found.best.learning_rate
        expected = min(round(4 * factor), linear_models.SIZE)
        self.assertEqual(found.setting.batch_size, expected)
        self.assertLen(decisions, 2)
        self.assertIn("recommended: batch size", found.words())
        self.assertEqual(found.to_dict()["words"], found.words())
        # Runs of 20 epochs each, of 48 examples.
        self.assertEqual(found.num_examples, found.num_runs * 20 * 48)

    @parameterized.parameters(
        ({"large_batch_size": 49}, "large_batch_size=49: give an integer from 1 to 48"),
        ({"batch_size": 48}, "large_batch_size=48: give more than batch_size=48"),
        ({"num_epochs": -1}, "num_epochs=-1"),
        ({"scaling": "cubic"}, "scaling='cubic': unknown"),
        ({"loss": None}, "loss=None"),
    )
    def test_bad_input(self, changes, message):
        with self.assertRaisesRegex(errors.UserError, message):
            _found(**changes)


if __name__ == "__main__":
    absltest.main()
