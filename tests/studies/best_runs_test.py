"""Tests of the best k of n runs: by hand, and against a slow twin."""

import math

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.studies import best_runs
from tests.studies import rate_sweeps

_NAN = float("nan")


class BestRunsTest(parameterized.TestCase):
    def test_by_hand(self):
        table = {
            0.5: [0.80, 0.82, 0.10],
            1.0: [0.90, 0.70, 0.94],
            2.0: [0.91, _NAN, 0.9],
        }
        runs = rate_sweeps.runs(table)
        found = best_runs.sweep(runs, best_runs.Selection(2, 3))
        np.testing.assert_allclose(found.rates["mean"], [0.81, 0.92, 0.905])
        np.testing.assert_allclose(
            found.rates["std"], [0.02 / 2**0.5, 0.04 / 2**0.5, 0.01 / 2**0.5]
        )
        np.testing.assert_allclose(found.rates["plain"], [1.72 / 3, 2.54 / 3, 1.91 / 3])
        self.assertEqual(found.rates["diverged"].tolist(), [0, 0, 1])
        self.assertEqual(found.rates["runs"].tolist(), [3, 3, 3])
        # 0.905 lies within 0.92 - 0.028.
        self.assertEqual((found.best, found.low, found.high), (1.0, 1.0, 2.0))
        self.assertEqual(found.edge, "upper")
        loss = found.optimum["final_train_cross_entropy"]
        self.assertAlmostEqual(loss, 0.08)
        self.assertEqual(found.values.loc[2.0].tolist(), [0.91, 0.1, 0.9])

    def test_lower_is_better(self):
        table = {0.5: [3.0, 2.0], 1.0: [1.0, 1.2], 2.0: [_NAN, _NAN], 4.0: [4.0, 1.0]}
        selection = best_runs.Selection(
            1, 2, "final_train_cross_entropy", False, math.inf
        )
        runs = rate_sweeps.runs(table)
        runs["final_train_cross_entropy"] = runs["final_test_accuracy"]
        found = best_runs.sweep(runs, selection)
        self.assertEqual(found.rates["mean"].tolist(), [2.0, 1.0, math.inf, 1.0])
        # Of equal means the smaller rate, and both within no standard deviation.
        self.assertEqual((found.best, found.low, found.high), (1.0, 1.0, 4.0))

    def test_of_equal_runs_the_smaller_seed_counts(self):
        runs = rate_sweeps.runs({1.0: [0.9, 0.8, 0.8], 2.0: [0.1, 0.2, 0.2]})
        runs["final_other"] = runs["seed"].astype(float)
        found = best_runs.sweep(runs, best_runs.Selection(2, 3))
        self.assertEqual(found.rates["final_other"].tolist(), [0.5, 1.5])

    def test_runs_that_failed_are_the_first_not_to_count(self):
        table = {1.0: [0.9, 0.8, 0.7], 2.0: [0.95, 0.6, 0.5], 4.0: [0.99, 0.98, 0.97]}
        runs = rate_sweeps.runs(table)
        lost = (runs["effective_learning_rate"] == 2) & (runs["seed"] == 0)
        lost |= (runs["effective_learning_rate"] == 4) & (runs["seed"] > 0)
        runs.loc[lost, "status"] = "failed"
        runs.loc[lost, ["final_test_accuracy", "final_train_cross_entropy"]] = _NAN
        found = best_runs.sweep(runs, best_runs.Selection(2, 3))
        self.assertEqual(found.rates["runs"].tolist(), [3, 2, 1])
        np.testing.assert_allclose(found.rates["mean"], [0.85, 0.55, _NAN])
        self.assertEqual((found.best, found.high), (1.0, 1.0))
        np.testing.assert_allclose(found.means([[1 / 3] * 3]), [[0.85, 0.55, _NAN]])
        # Runs that are not in the table at all are missing, too.
        again = best_runs.sweep(runs[~lost], best_runs.Selection(2, 3))
        pd.testing.assert_frame_equal(again.rates, found.rates)

    def test_nothing_has_a_mean(self):
        runs = rate_sweeps.runs({1.0: [0.9], 2.0: [0.5]}).assign(status="missing")
        found = best_runs.sweep(runs, best_runs.Selection(1, 1))
        self.assertTrue(math.isnan(found.best) and math.isnan(found.high))
        self.assertEqual(found.edge, "")

    @parameterized.parameters((12, 15, 15, 12), (12, 15, 5, 4), (5, 7, 5, 4))
    def test_other_numbers_of_seeds_keep_the_same_share(self, keep, of, number, count):
        self.assertEqual(best_runs.Selection(keep, of).count(number), count)

    def test_weights_count_runs_as_often(self):
        rng = np.random.default_rng(5)
        table = {2.0**k: rng.random(7) for k in range(4)}
        table[4.0][2] = _NAN  # diverged
        runs = rate_sweeps.runs(table)
        selection = best_runs.Selection(5, 7, worst=-1.0)
        found = best_runs.sweep(runs, selection)
        counts = rng.multinomial(7, [1 / 7] * 7, size=3)
        for row, means, losses in zip(
            counts,
            found.means(counts / 7),
            found.means(counts / 7, "final_train_cross_entropy"),
            strict=True,
        ):
            for rate, mean, loss in zip(table, means, losses, strict=True):
                values = np.repeat(np.nan_to_num(table[rate], nan=-1.0), row)
                best = np.sort(values)[-5:]
                self.assertAlmostEqual(mean, best.mean())
                of_best = 1 - best[best > -1.0] if rate == 4 else 1 - best
                self.assertAlmostEqual(loss, of_best.mean())

    def test_weights_count_the_last_run_in_part(self):
        found = best_runs.sweep(
            rate_sweeps.runs({1.0: [4.0, 2.0, 1.0]}), best_runs.Selection(2, 3)
        )
        # Two thirds of all weight: half of the first, and a sixth of the second.
        means = found.means([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]])
        np.testing.assert_allclose(means, [[3.5], [1.75]])

    def test_settings(self):
        runs = rate_sweeps.runs({1.0: [0.5], 2.0: [0.6]})
        both = pd.concat([runs.assign(batch_size=8), runs.assign(batch_size=4)])
        found = best_runs.by_setting(both, ["batch_size"], best_runs.Selection(1, 1))
        self.assertEqual([*found], [(4,), (8,)])
        self.assertEqual(found[(4,)].best, 2.0)
        alone = best_runs.by_setting(runs, [], best_runs.Selection(1, 1))
        self.assertEqual(alone[()].best, 2.0)

    def test_refused(self):
        with self.assertRaisesRegex(errors.UserError, "^keep=3: .*2"):
            best_runs.Selection(3, 2)


if __name__ == "__main__":
    absltest.main()
