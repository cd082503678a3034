"""Tests of the intervals."""

import math

import numpy as np
from absl.testing import absltest, parameterized
from scipy import stats

from bsgen import statistics


class StandardErrorTest(parameterized.TestCase):
    @parameterized.parameters((2,), (7,), (5, 3), (4, 2, 3))
    def test_is_that_of_the_mean_over_the_first_axis(self, *shape):
        samples = np.random.default_rng(len(shape)).normal(size=shape)
        found = statistics.standard_error(samples)
        np.testing.assert_allclose(found, stats.sem(samples, axis=0), rtol=1e-13)
        self.assertEqual(found.shape, shape[1:])

    @parameterized.parameters(0, 1)
    def test_fewer_than_two_samples_tell_nothing_of_the_error(self, count):
        found = statistics.standard_error(np.ones((count, 2)))
        np.testing.assert_array_equal(found, [math.inf] * 2)

    def test_the_jackknife_of_a_mean_is_its_standard_error(self):
        samples = np.random.default_rng(0).normal(size=(6, 2))
        left_out = [np.delete(samples, k, axis=0).mean(axis=0) for k in range(6)]
        np.testing.assert_allclose(
            statistics.jackknife_error(left_out),
            statistics.standard_error(samples),
            rtol=1e-12,
        )


class MeanIntervalTest(absltest.TestCase):
    def test_by_hand(self):
        # Mean 2, standard error 1 / sqrt(3); the quantile of t of 2 degrees of freedom
        # at (1 + c) / 2 is c sqrt(2 / (1 - c^2)).
        interval = statistics.mean_interval(np.array([1.0, 2.0, 3.0]))
        half = 0.95 * np.sqrt(2 / (1 - 0.95**2)) / np.sqrt(3)
        np.testing.assert_allclose(interval, (2, 2 - half, 2 + half), rtol=1e-9)

    def test_one_sample_tells_nothing_about_the_spread(self):
        interval = statistics.mean_interval(np.array([0.7]))
        self.assertEqual(interval, (0.7, -np.inf, np.inf))

    def test_no_sample_tells_nothing_at_all(self):
        interval = statistics.mean_interval([])
        np.testing.assert_array_equal(interval, (math.nan, -math.inf, math.inf))

    def test_equal_samples(self):
        interval = statistics.mean_interval(np.full(4, 0.25))
        self.assertEqual(interval, (0.25, 0.25, 0.25))

    def test_covers_the_mean_in_95_of_100_cases(self):
        rng = np.random.default_rng(0)
        draws = rng.normal(3.0, 2.0, size=(4000, 4))
        intervals = [statistics.mean_interval(row) for row in draws]
        covered = np.mean([low <= 3.0 <= high for _, low, high in intervals])
        # A share of 4000 has standard error sqrt(0.95 x 0.05 / 4000) = 0.0034.
        self.assertAlmostEqual(covered, 0.95, delta=4 * 0.0034)


class TQuantileTest(absltest.TestCase):
    def test_of_one_degree_is_that_of_cauchy(self):
        for confidence in (0.5, 0.95, 0.999):
            expected = math.tan(math.pi / 2 * confidence)
            found = statistics.t_quantile(1, confidence)
            self.assertAlmostEqual(found / expected, 1, places=9)


class HolmTest(parameterized.TestCase):
    @parameterized.parameters(
        # Holm (1979): compared with 0.05 / 4, 0.05 / 3, 0.05 / 2 and 0.05.
        ((0.01, 0.04, 0.03, 0.005), (True, False, False, True)),
        ((0.0125, 0.0166, 0.025, 0.05), (True, True, True, True)),
        ((0.0126, 0.0126, 0.0126, 0.0126), (False, False, False, False)),
        ((0.001, 0.017, 0.017, 0.017), (True, False, False, False)),
        ((1.0, 1.0, 0.012, 1.0), (False, False, True, False)),
        ((0.05,), (True,)),
        ((), ()),
    )
    def test_by_hand(self, p_values, rejected):
        self.assertEqual(tuple(statistics.holm(p_values)), rejected)

    def test_a_p_value_at_its_level_is_rejected(self):
        self.assertEqual(statistics.holm([0.25, 0.5], level=0.5), [True, True])

    def test_rejects_a_true_hypothesis_in_five_of_100_cases_at_most(self):
        """Eight true ones beside two false; 4 standard errors of 1000 cases."""
        generator, wrong = np.random.default_rng(5), 0
        for _ in range(1000):
            p_values = np.concatenate([generator.uniform(size=8), [1e-9, 1e-9]])
            wrong += any(statistics.holm(p_values.tolist())[:8])
        error = math.sqrt(0.05 * 0.95 / 1000)
        # All eight are compared with 0.05 / 8 once the false ones are rejected.
        self.assertAlmostEqual(wrong / 1000, 1 - (1 - 0.05 / 8) ** 8, delta=4 * error)


if __name__ == "__main__":
    absltest.main()
