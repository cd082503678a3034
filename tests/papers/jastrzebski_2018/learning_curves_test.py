"""Tests of distances between learning curves."""

import numpy as np
import pandas as pd
from absl.testing import absltest

from bsgen.papers.jastrzebski_2018 import learning_curves
from bsgen.studies import study


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
        table = learning_curves.of(study.Results(runs, curves), runs)
        np.testing.assert_allclose(table.index, [0.0, 1.01, 2.0])
        # The diverged one guesses.
        np.testing.assert_allclose(table[0], [0.1, 0.5, 0.1])
        np.testing.assert_allclose(table[1], [0.2, 0.6, 0.7])

    def test_distance(self):
        first = pd.DataFrame({0: [9.0, 0.5, 0.7], 1: [9.0, 0.4, 0.4]})
        second = pd.DataFrame({0: [0.0, 0.2, 0.3], 1: [0.0, 0.4, 0.4]})
        np.testing.assert_allclose(
            learning_curves.distances(first, second), [np.sqrt(0.125), 0], atol=1e-12
        )
        # All of one setting diverged after the first row: it guesses with 0.1.
        np.testing.assert_allclose(
            learning_curves.distances(first[:1], second),
            [np.sqrt(0.025), 0.3],
            atol=1e-12,
        )

    def test_ratio_is_a_geometric_mean(self):
        found = learning_curves.ratio(np.array([1.0, 4.0]), np.array([2.0, 1.0]))
        self.assertAlmostEqual(found.value, np.sqrt(2))
        self.assertLess(found.lower, found.value)


if __name__ == "__main__":
    absltest.main()
