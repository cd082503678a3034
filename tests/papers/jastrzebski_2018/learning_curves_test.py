"""Tests of distances between learning curves."""

import numpy as np
import pandas as pd
from absl.testing import absltest

from bsgen.papers.jastrzebski_2018 import learning_curves
from bsgen.studies import study


def _setting(accuracies):
    """A setting with a row of accuracies for each seed."""
    table = pd.DataFrame(np.transpose(accuracies))
    return learning_curves.Setting(pd.DataFrame(), table)


class LearningCurvesTest(absltest.TestCase):
    def test_curves_by_epoch_and_seed(self):
        curves = pd.DataFrame(
            {
                "key": ["a", "a", "b", "b", "b", "c"],
                "epoch": [0.0, 1.0, 0.0, 1.02, 2.0, 0.0],
                "test_accuracy": [0.1, 0.5, 0.2, 0.6, 0.7, 0.9],
            }
        )
        runs = pd.DataFrame({"key": ["b", "a"], "seed": [1, 0]})
        results = study.Results(runs, curves)
        table = learning_curves.setting(results, runs).accuracies
        np.testing.assert_allclose(table.index, [0.0, 1.01, 2.0])
        # The diverged one guesses.
        np.testing.assert_allclose(table[0], [0.1, 0.5, 0.1])
        np.testing.assert_allclose(table[1], [0.2, 0.6, 0.7])

    def test_distance(self):
        first = _setting([[9.0, 0.5, 0.7], [9.0, 0.4, 0.4]])
        second = _setting([[0.0, 0.2, 0.3], [0.0, 0.4, 0.4]])
        apart = first.distances(second)
        np.testing.assert_allclose(apart, [np.sqrt(0.125), 0], atol=1e-12)
        # All of one setting diverged after the first row: it guesses with 0.1.
        apart = _setting([[9.0], [9.0]]).distances(second)
        np.testing.assert_allclose(apart, [np.sqrt(0.025), 0.3], atol=1e-12)

    def test_claims_compare_distances_by_their_geometric_mean(self):
        apart = np.array([1.0, 4.0]), np.array([2.0, 1.0])
        found = learning_curves.further_apart("c", "q", *apart)
        self.assertAlmostEqual(found.measured, np.sqrt(2))
        self.assertLess(found.interval[0], found.measured)
        self.assertEqual(found.predicted, "> 1")
        self.assertIn("2 seeds, paired, of the logarithm; 1 is", found.note)


if __name__ == "__main__":
    absltest.main()
