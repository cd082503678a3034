"""Tests of the learning-rate rules."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors, theory


def _distance_after(rate, momentum, curvature, num_steps):
    """Iterates momentum on curvature * w^2 / 2 from w = 1 and returns the last |w|."""
    weight, accumulator = 1.0, 0.0
    for _ in range(num_steps):
        accumulator = momentum * accumulator - curvature * weight
        weight += rate * accumulator
    return abs(weight)


class ScalingRulesTest(parameterized.TestCase):
    def test_effective_learning_rate(self):
        rates = theory.effective_learning_rate([0.5, 1.0], [0.0, 0.75])
        np.testing.assert_array_equal(rates, [0.5, 4.0])

    def test_temperature_is_the_noise_scale_per_example(self):
        rng = np.random.default_rng(0)
        rate, momentum = rng.uniform(0.0, 0.9, size=(2, 6))
        size = rng.uniform(1.0, 100.0, size=6)
        expected = theory.noise_scale(rate, size, 100, momentum) / 100
        found = theory.temperature(rate, size, momentum)
        np.testing.assert_allclose(found, expected, rtol=1e-14)
        self.assertEqual(theory.temperature(0.5, 16), 0.03125)

    @parameterized.parameters(0.0, 0.5, 0.9, 0.99)
    def test_critical_learning_rate_is_where_descent_turns(self, momentum):
        curvature = np.random.default_rng(1).uniform(0.1, 10.0)
        critical = theory.critical_learning_rate(curvature, momentum)
        # Slowest is m = 0, whose root is -0.998 below and -1.002 above: 5000 steps make
        # 4e-5 and 2e4 of it. With momentum the roots move faster with the rate.
        below = _distance_after(0.999 * critical, momentum, curvature, 5000)
        above = _distance_after(1.001 * critical, momentum, curvature, 5000)
        self.assertLess(below, 1e-3)
        self.assertGreater(above, 1e3)

    def test_critical_learning_rate_without_momentum(self):
        self.assertEqual(theory.critical_learning_rate(4.0), 0.5)

    @parameterized.parameters(("linear", 2.0), ("sqrt", 1.0), ("none", 0.5))
    def test_scale_learning_rate(self, rule, expected):
        self.assertEqual(theory.scale_learning_rate(0.5, 32, 128, rule), expected)

    def test_linear_rule_keeps_the_noise_scale(self):
        sizes = np.array([1.0, 7.0, 500.0])
        rates = theory.scale_learning_rate(0.1, 50, sizes, "linear")
        scales = theory.noise_scale(rates, sizes, 1000, momentum=0.9)
        expected = theory.noise_scale(0.1, 50, 1000, momentum=0.9)
        np.testing.assert_allclose(scales, np.full(3, expected), rtol=1e-14)

    def test_rejects(self):
        with self.assertRaisesRegex(errors.UserError, "rule='square': .*sqrt"):
            theory.scale_learning_rate(0.1, 32, 64, "square")
        with self.assertRaisesRegex(errors.UserError, "new_batch_size=0.0"):
            theory.scale_learning_rate(0.1, 32, 0, "linear")
        with self.assertRaisesRegex(errors.UserError, "max_eigenvalue=-1.0"):
            theory.critical_learning_rate([1.0, -1.0])
        with self.assertRaisesRegex(errors.UserError, "momentum=1.0"):
            theory.effective_learning_rate(0.1, 1.0)


if __name__ == "__main__":
    absltest.main()
