"""Tests of budgets: how many steps, and evaluations at the same places."""

import fractions

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import config, errors
from bsgen.studies import budgets


def _run(batch_size, train_size=100, **settings):
    data = config.DataConfig(train_size=train_size)
    return config.RunConfig(data, batch_size=batch_size, **settings)


class StepsTest(parameterized.TestCase):
    @parameterized.parameters(1, 2, 10, 667, 2000, 100_000)
    def test_evaluations_are_evenly_spaced_on_a_logarithmic_axis(self, num_steps):
        steps = budgets.Steps(num_steps, evaluations_per_decade=6).steps(_run(10))
        self.assertEqual((steps[0], steps[1], steps[-1]), (0, 1, num_steps))
        self.assertSameElements(steps, sorted(steps))
        # Six a decade, rounded to integers: no gap above 10^(1/5).
        ratios = np.array(steps[2:]) / np.array(steps[1:-1])
        far = np.array(steps[1:-1]) > 20
        self.assertTrue(np.all(ratios[far] < 10 ** (1 / 5)))

    def test_without_evaluations(self):
        self.assertEqual(budgets.Steps(7).steps(_run(10)), (7,))


class EpochsTest(parameterized.TestCase):
    @parameterized.parameters((10, 20), (30, 7), (100, 2), (None, 2))
    def test_steps_follow_from_the_batch_size(self, batch_size, num_steps):
        # Two epochs of 100 examples; 200 / 30 is nearest to 7.
        self.assertEqual(budgets.Epochs(2).steps(_run(batch_size)), (num_steps,))

    @parameterized.parameters(1, 7, 30, 33, 100)
    def test_evaluations_are_as_near_to_equal_parts_as_batches_allow(self, size):
        steps = budgets.Epochs(3, num_evaluations=5).steps(_run(size))
        marks = 3 * 100 * np.arange(6) / 5
        expected = [np.abs(size * np.arange(302) - mark).argmin() for mark in marks]
        np.testing.assert_array_equal(steps, expected)

    @parameterized.parameters((7, 3, 0.7), (3, 3, 1.1), (100, 4, 3), (11, 6, 2.3))
    def test_rounded_down(self, batch_size, parts, num_epochs):
        budget = budgets.Epochs(num_epochs, parts, rounds_down=True)
        exact = fractions.Fraction(str(num_epochs)) * 100 / batch_size
        expected = [int(exact * part / parts) for part in range(parts + 1)]
        self.assertEqual(budget.steps(_run(batch_size)), tuple(expected))

    def test_smith_elsen_and_de(self):
        run = _run(1024, train_size=50_000)
        self.assertEqual(budgets.Epochs(200, rounds_down=True).steps(run), (9765,))
        self.assertEqual(budgets.Epochs(200).steps(run), (9766,))

    def test_evaluations_at_logarithmic_steps_besides(self):
        equal = budgets.Epochs(7, 4).steps(_run(1))
        both = budgets.Epochs(7, 4, evaluations_per_decade=5).steps(_run(1))
        logarithmic = budgets.Steps(700, evaluations_per_decade=5).steps(_run(1))
        self.assertEqual(both, tuple(sorted({*equal, *logarithmic})))

    def test_a_cyclic_batch_size(self):
        cycle = config.Cyclic(factors=(1.0, 5.0), period=2.0)
        steps = budgets.Epochs(4, 4).steps(_run(10, batch_size_schedule=cycle))
        # Ten batches of 10 and two of 50, twice.
        self.assertEqual(steps, (0, 10, 12, 22, 24))

    @parameterized.parameters(
        ({"train_size": None}, "^train_size=None"),
        (
            {"batch_size_schedule": config.Stepwise((1.0,), (2.0,))},
            "^batch_size_schedule='stepwise'.*budget in steps",
        ),
    )
    def test_what_has_no_length_in_epochs(self, settings, message):
        with self.assertRaisesRegex(errors.UserError, message):
            budgets.Epochs(1).steps(_run(10, **settings))


if __name__ == "__main__":
    absltest.main()
