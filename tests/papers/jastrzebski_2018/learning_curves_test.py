"""Tests of distances between learning curves."""

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized

from bsgen.papers.jastrzebski_2018 import learning_curves
from bsgen.studies import claims, study


def _setting(accuracies):
    """A setting with a row of accuracies for each seed."""
    table = pd.DataFrame(np.transpose(accuracies))
    return learning_curves.Setting(pd.DataFrame(), table)


def _levels(levels):
    """A setting whose curve of seed i lies at `levels[i]`, after a first row of 0."""
    return _setting([[0.0, level, level, level] for level in levels])


def _equal_weights(num_seeds):
    return np.full((1, num_seeds), 1 / num_seeds)


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

    def test_all_distances(self):
        first, second = _levels([0.0, 1.0, 3.0]), _levels([0.5, 1.5, 3.5])
        expected = [[0.5, 1.5, 3.5], [0.5, 0.5, 2.5], [2.5, 1.5, 0.5]]
        np.testing.assert_allclose(first.all_distances(second), expected)
        np.testing.assert_allclose(first.distances(second), [0.5] * 3)
        np.testing.assert_allclose(first.between_seeds(), [2.0, 1.5, 2.5])

    def test_claims_compare_distances_by_their_geometric_mean(self):
        apart = np.array([1.0, 4.0]), np.array([2.0, 1.0])
        found = learning_curves.further_apart("c", "q", *apart)
        self.assertAlmostEqual(found.measured, np.sqrt(2))
        self.assertLess(found.interval[0], found.measured)
        self.assertEqual(found.predicted, "> 1")
        self.assertIn("2 seeds, paired, of the logarithm; 1 is", found.note)


class BesideSeedsTest(parameterized.TestCase):
    def test_by_hand(self):
        reference, moved = _levels([0.0, 1.0, 3.0]), _levels([0.5, 1.5, 3.5])
        weights = _equal_weights(3)
        # Two seeds of the reference lie 1, 2 and 3 apart, so 2 in the mean.
        found = learning_curves.beside_seeds(moved, reference, weights, same_seed=True)
        np.testing.assert_allclose(found, [0.25])
        # 0.5, 2.5, 1.5, 1.5, 3.5 and 2.5 for the six ordered pairs.
        found = learning_curves.beside_seeds(moved, reference, weights)
        np.testing.assert_allclose(found, [1.0])
        # The unit is the reference's.
        twice = _levels([0.0, 2.0, 6.0])
        found = learning_curves.beside_seeds(reference, twice, weights)
        apart = np.mean([2, 6, 1, 5, 3, 1]) / 4
        np.testing.assert_allclose(found, [apart])

    @parameterized.parameters(True, False)
    def test_weights_are_those_of_seeds_drawn_repeatedly(self, same_seed):
        rng = np.random.default_rng()
        first, second = (_setting(rng.normal(size=(5, 7))) for _ in range(2))
        chosen = rng.integers(5, size=6)
        chosen[:2] = 0, 1  # two seeds at least
        counts = np.bincount(chosen, minlength=5)
        found = learning_curves.beside_seeds(
            first, second, counts[np.newaxis] / 6, same_seed
        )
        # A pair of draws counts if its seeds differ.
        pairs = [(i, j) for i in chosen for j in chosen if i != j]

        def apart(one, other, places):
            tables = one.accuracies.to_numpy()[1:], other.accuracies.to_numpy()[1:]
            return np.mean(
                [
                    np.sqrt(np.mean((tables[0][:, i] - tables[1][:, j]) ** 2))
                    for i, j in places
                ]
            )

        compared = [(i, i) for i in chosen] if same_seed else pairs
        expected = apart(first, second, compared) / apart(second, second, pairs)
        np.testing.assert_allclose(found, [expected], rtol=1e-10)

    def test_one_law_gives_one_and_a_shift_what_geometry_says(self):
        rng = np.random.default_rng(0)
        evaluations, num_seeds, shift = 400, 100, 0.7
        one, other = (rng.normal(size=(num_seeds, evaluations)) for _ in range(2))
        reference = _setting(one)
        found = learning_curves.relative_distance(_setting(other), reference)
        self._assert_covers(found.interval(), 1.0)
        # Squared distances are 2 within, 2 + shift^2 across; their relative spread is
        # some 1 / sqrt(evaluations) and goes into the mean by its square.
        found = learning_curves.relative_distance(_setting(other + shift), reference)
        self._assert_covers(found.interval(), np.sqrt(1 + shift**2 / 2))

    def _assert_covers(self, interval, value):
        # Half a percent more at both ends, for the 5 % of intervals that miss.
        self.assertLess(interval.lower, value * 1.005)
        self.assertGreater(interval.upper, value / 1.005)
        self.assertLess(interval.upper - interval.lower, 0.03)

    def test_the_interval_has_its_confidence(self):
        rng = np.random.default_rng(1)
        covered, repeats = 0, 200
        for _ in range(repeats):
            # What all evaluations of a seed share makes distances vary.
            levels = rng.normal(size=(2, 12, 1)) + 0.3 * rng.normal(size=(2, 12, 20))
            one, other = map(_setting, levels)
            found = learning_curves.relative_distance(one, other).interval()
            covered += found.lower < 1 < found.upper
        # 95 %; with so few seeds the jackknife is near, and 0.90 is 3 errors away.
        self.assertGreaterEqual(covered / repeats, 0.90)

    def test_one_seed_has_no_pairs(self):
        (found,) = learning_curves.beside_seeds(
            _levels([1.0]), _levels([2.0]), _equal_weights(1), same_seed=True
        )
        self.assertTrue(np.isnan(found))
        judged = learning_curves.match("a and b", _levels([1.0]), _levels([2.0]), "a")
        for claim in judged:
            self.assertEqual(claim.verdict, claims.UNDECIDED)
            self.assertIsNone(claim.measured)


class MatchTest(parameterized.TestCase):
    @parameterized.named_parameters(
        ("closer than seeds", 0.1, [claims.HOLDS, claims.HOLDS]),
        ("further apart than seeds", 3.0, [claims.FAILS, claims.FAILS]),
    )
    def test_shifted_curves(self, shift, expected):
        rng = np.random.default_rng(2)
        curves = rng.normal(size=(10, 30))
        reference, moved = _setting(curves), _setting(curves + shift)
        judged = learning_curves.match("a and b", moved, reference, "b")
        self.assertEqual([claim.verdict for claim in judged], expected)
        self.assertStartsWith(judged[0].claim, "a and b match")
        self.assertEndsWith(judged[0].quantity, "two seeds of b")

    def test_equal_seeds_that_share_nothing(self):
        rng = np.random.default_rng(3)
        one, other = (_setting(rng.normal(size=(10, 30))) for _ in range(2))
        equal, different = learning_curves.match("a and b", one, other, "b")
        self.assertEqual(equal.verdict, claims.UNDECIDED)
        self.assertEqual(different.verdict, claims.HOLDS)
        self.assertEqual(different.predicted, "0.8 to 1.25")


if __name__ == "__main__":
    absltest.main()
