"""Tests of means over random probes."""

import numpy as np
from absl.testing import absltest
from scipy import stats

from bsgen.measures.spectrum import probes


class SampleMeanTest(absltest.TestCase):
    def test_has_the_standard_error_of_the_mean(self):
        samples = np.random.default_rng(0).normal(size=6).tolist()
        left = list(samples)
        found = probes.sample_mean(lambda: left.pop(0), 0.0, len(samples))
        self.assertAlmostEqual(found.value, np.mean(samples), places=14)
        self.assertAlmostEqual(found.standard_error, stats.sem(samples), places=14)
        self.assertEqual(found.num_samples, 6)


if __name__ == "__main__":
    absltest.main()
