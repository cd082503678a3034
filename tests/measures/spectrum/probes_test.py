"""Tests of means over random probes."""

import math

import numpy as np
from absl.testing import absltest, parameterized
from scipy import stats

from bsgen.measures.spectrum import probes


class StandardErrorTest(parameterized.TestCase):
    @parameterized.parameters((2,), (7,), (5, 3), (4, 2, 3))
    def test_is_that_of_the_mean_over_the_first_axis(self, *shape):
        samples = np.random.default_rng(len(shape)).normal(size=shape)
        found = probes.standard_error(samples)
        np.testing.assert_allclose(found, stats.sem(samples, axis=0), rtol=1e-13)
        self.assertEqual(found.shape, shape[1:])

    def test_one_sample_tells_nothing_of_its_error(self):
        np.testing.assert_array_equal(
            probes.standard_error([[1.0, 2.0]]), [math.inf] * 2
        )

    def test_a_mean_of_samples_has_it(self):
        samples = np.random.default_rng(0).normal(size=6).tolist()
        left = list(samples)
        found = probes.sample_mean(lambda: left.pop(0), 0.0, len(samples))
        self.assertAlmostEqual(found.value, np.mean(samples), places=14)
        self.assertAlmostEqual(found.standard_error, stats.sem(samples), places=14)
        self.assertEqual(found.num_samples, 6)


if __name__ == "__main__":
    absltest.main()
