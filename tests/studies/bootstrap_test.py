"""Tests of bootstrapped estimates, against closed forms."""

import math

import numpy as np
from absl.testing import absltest
from scipy import stats

from bsgen import statistics
from bsgen.studies import bootstrap


class BootstrappedTest(absltest.TestCase):
    def test_of_a_mean_it_is_nearly_the_t_interval(self):
        samples = np.random.default_rng().normal(size=12)
        found = bootstrap.bootstrapped(lambda weights: weights @ samples, 12)
        value, lower, upper = found.interval()
        expected = statistics.mean_interval(samples)
        self.assertAlmostEqual(value, expected.value, places=12)
        # 400 draws give a standard deviation to 1 / sqrt(800), 3.5 %; five of these.
        reach = expected.upper - expected.value
        self.assertAlmostEqual((upper - value) / reach, 1, delta=0.18)
        self.assertAlmostEqual(value - lower, upper - value, places=12)

    def test_a_maximum_that_a_single_seed_does_not_move(self):
        # Two places of equal means on average: the jackknife sees one of them only.
        table = np.array([[1.0, 0.0] * 6, [0.0, 1.0] * 5 + [0.0, 0.9]])

        def highest(weights):
            return (weights @ table.T).argmax(axis=1).astype(float)

        bootstrapped = bootstrap.bootstrapped(highest, 12).interval()
        # Each place is the highest in about half of the draws: 0.5, times the
        # correction and t quantile of 12 seeds.
        reach = 0.5 * math.sqrt(12 / 11) * stats.t.ppf(0.975, 11)
        self.assertAlmostEqual(bootstrapped.upper, reach, delta=0.06)

    def test_one_seed_tells_nothing(self):
        found = bootstrap.bootstrapped(lambda weights: weights[:, 0], 1).interval()
        self.assertEqual(found, (1, -math.inf, math.inf))

    def test_repeated_on_draws(self):
        samples = np.array([0.3, 1.0, 5.0, 2.2])
        chosen = np.array([[0, 1, 2, 3], [2, 2, 2, 2]])
        found = bootstrap.bootstrapped(lambda weights: weights @ samples, 4)
        ends = found.procedure(chosen, 0.95)
        np.testing.assert_allclose(ends.values, [samples.mean(), 5.0])
        self.assertGreater(ends.upper[0], ends.values[0])
        self.assertEqual(ends.upper[1], 5.0)


class DebiasedTest(absltest.TestCase):
    def test_a_mean_has_no_bias(self):
        samples = np.random.default_rng().normal(size=9)
        found = bootstrap.debiased(lambda weights: weights @ samples, 9)
        expected = statistics.mean_interval(samples)
        np.testing.assert_allclose(found.interval(), expected, rtol=1e-9)

    def test_the_square_of_a_mean(self):
        # Its bias is the variance of the mean, in the bootstrap that of the samples
        # (n under the fraction) over n.
        samples = np.random.default_rng(0).normal(loc=3.0, size=10)
        found = bootstrap.debiased(lambda weights: (weights @ samples) ** 2, 10)
        bias = samples.var() / 10
        # Of 400 draws the square of a deviation has a mean within sqrt(2 / 400).
        value = found.interval().value
        self.assertAlmostEqual(samples.mean() ** 2 - value, bias, delta=0.28 * bias)

    def test_draws_lie_around_the_estimate(self):
        # The higher of two means over seeds that are equal on average.
        table = np.random.default_rng(1).normal(size=(2, 12))
        table -= table.mean(axis=1, keepdims=True)

        def highest(weights):
            return (weights @ table.T).max(axis=1)

        found = bootstrap.debiased(highest, 12)
        value, lower, upper = found.interval()
        # The higher of two normal numbers: 0.56 of their standard deviations.
        error = table.std() / math.sqrt(12)
        self.assertAlmostEqual(value, -0.56 * error, delta=0.2 * error)
        self.assertAlmostEqual(upper - value, value - lower)
        draws = found.resampled()
        self.assertAlmostEqual(draws.values.mean(), value, delta=0.2 * error)

    def test_infinite_draws_leave_the_estimate_as_it_is(self):
        samples = np.array([1.0, 2.0, np.inf])

        def best_two(weights):
            return np.where(weights[:, 2] > 1 / 3, np.inf, weights[:, :2].sum(axis=1))

        found = bootstrap.debiased(best_two, len(samples))
        self.assertAlmostEqual(found.interval().value, 2 / 3)

    def test_one_seed_tells_nothing(self):
        found = bootstrap.debiased(lambda weights: weights[:, 0], 1).interval()
        self.assertEqual(found, (1, -math.inf, math.inf))


if __name__ == "__main__":
    absltest.main()
