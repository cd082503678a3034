"""Tests of the intervals."""

import numpy as np
from absl.testing import absltest

from bsgen import statistics


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


class PercentileIntervalTest(absltest.TestCase):
    def test_takes_the_middle_95_of_100(self):
        interval = statistics.percentile_interval(7.0, np.arange(1001.0))
        np.testing.assert_allclose(interval, (7, 25, 975), rtol=1e-12)


if __name__ == "__main__":
    absltest.main()
