"""Tests of settings, of scales of batch sizes and of outcomes."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors, theory, tuning
from bsgen.tuning.procedures import outcomes


class SettingTest(parameterized.TestCase):
    def test_words(self):
        setting = tuning.Setting(640, 1.0, 0.98)
        self.assertEqual(
            setting.words(), "batch size 640, learning rate 1.0, momentum 0.98"
        )

    @parameterized.parameters((128, 640, 0.9, 0.98), (50, 25, 0.9, 0.8), (9, 1, 0.2, 0))
    def test_scaled_keeps_the_noise_scale(self, size, new_size, momentum, expected):
        setting = tuning.Setting(size, 0.3, momentum)
        scaled = setting.scaled(new_size)
        self.assertEqual(scaled, tuning.Setting(new_size, 0.3, expected))
        if expected:
            before = theory.noise_scale(0.3, size, 1000, momentum)
            after = theory.noise_scale(0.3, new_size, 1000, scaled.momentum)
            np.testing.assert_allclose(after, before, rtol=1e-12)

    @parameterized.parameters(
        ((0, 1.0, 0.9), "batch_size=0"),
        ((8, 0.0, 0.9), "learning_rate=0.0"),
        ((8, 1.0, 1.0), "momentum=1.0"),
    )
    def test_refuses(self, values, message):
        with self.assertRaisesRegex(errors.UserError, message):
            tuning.Setting(*values)

    def test_a_prefix_is_of_a_setting(self):
        prefix = tuning.Prefix(8, 0.1, 0.9, 0.05)
        self.assertEqual(prefix.whole, tuning.Setting(8, 0.1, 0.9))
        self.assertEqual(prefix.words(), prefix.whole.words() + " (0.05 of a run)")
        for values, message in (
            ((0, 0.1, 0.9, 0.5), "batch_size=0"),
            ((8, 0.1, 1.0, 0.5), "momentum=1.0"),
            ((8, 0.1, 0.9, 0.0), "share=0.0: give a number above 0"),
            ((8, 0.1, 0.9, 1.0), "share=1.0"),
        ):
            with self.assertRaisesRegex(errors.UserError, message):
                tuning.Prefix(*values)

    def test_logarithmic_scale(self):
        self.assertEqual(tuning.logarithmic_batch_sizes(8, 70), (8, 16, 32, 64))
        self.assertEqual(tuning.logarithmic_batch_sizes(1, 5, 1.5), (1, 2, 3, 5))

    @parameterized.parameters(
        ((64, 8), "max_batch_size=8: give at least min_batch_size=64"),
        ((0, 8), "min_batch_size=0"),
        ((1, 8, 1.0), "ratio=1.0: give a number above 1"),
    )
    def test_scale_refuses(self, values, message):
        with self.assertRaisesRegex(errors.UserError, message):
            tuning.logarithmic_batch_sizes(*values)


class OutcomeTest(parameterized.TestCase):
    def test_statistics(self):
        outcome = tuning.Outcome({0: 0.5, 1: 0.25, 2: 0.75}, num_steps=30)
        self.assertEqual(outcome.mean, 0.5)
        # Variance 2 * 0.25^2 / 2, divided by 3.
        error = outcomes.standard_error(outcome.of((0, 1, 2)))
        self.assertAlmostEqual(error, 0.25 / 3**0.5, places=15)
        self.assertEqual(outcome.steps_per_repeat, 10)

    def test_of_nothing_and_of_one(self):
        nothing = tuning.Outcome({}, "out_of_memory")
        self.assertIsNone(nothing.mean)
        self.assertEqual(nothing.missing((0, 1)), ())
        self.assertIsNone(outcomes.standard_error(np.array([0.5])))

    def test_scores_are_those_of_single_precision(self):
        sent = tuning.Outcome({0: float(np.float32(0.1))})
        self.assertEqual(tuning.Outcome({0: 0.1}), sent)

    def test_merges_repeats_in_any_order(self):
        first = tuning.Outcome({0: 0.5}, "completed", 1, 10, 0.5)
        second = tuning.Outcome({2: 0.0, 1: 0.25}, "diverged", 2, 20, 1.5)
        expected = tuning.Outcome({0: 0.5, 1: 0.25, 2: 0.0}, "diverged", 3, 30, 2.0)
        self.assertEqual(first.merged(second), expected)
        self.assertEqual(second.merged(first), expected)
        self.assertEqual(expected.missing((1, 2, 3)), (3,))
        np.testing.assert_array_equal(expected.of((2, 1)), [0.0, 0.25])

    @parameterized.parameters(float("nan"), float("inf"), 1e39)
    def test_refuses_what_is_not_finite(self, score):
        with self.assertRaisesRegex(errors.UserError, "takes the worst score"):
            tuning.Outcome({0: score})

    def test_refuses_an_unknown_status(self):
        with self.assertRaisesRegex(errors.UserError, "did you mean 'diverged'"):
            tuning.Outcome({0: 0.0}, "diverge")

    @parameterized.parameters(
        (0.87412, 0.00213, "0.874 ± 0.002"),
        (0.87412, 0.00123, "0.8741 ± 0.0012"),
        (12.3, 1.26, "12.3 ± 1.3"),
        (0.5, 0.0, "0.500 ± 0.000"),
        (0.87412, None, "0.8741 (one repeat)"),
    )
    def test_words(self, mean, error, expected):
        self.assertEqual(outcomes.plus_minus(mean, error), expected)


if __name__ == "__main__":
    absltest.main()
