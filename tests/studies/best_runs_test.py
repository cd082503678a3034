"""Tests of the best k of n runs, by hand."""

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.studies import best_runs

_NAN = float("nan")


def _runs(table, statuses=None):
    """Rows of runs: {rate: accuracies of the seeds}, NaN where one diverged."""
    rows = [
        {
            "effective_learning_rate": rate,
            "seed": seed,
            "final_test_accuracy": value,
            "final_train_cross_entropy": 1 - value,
            "status": "diverged" if np.isnan(value) else "completed",
        }
        for rate, values in table.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=0)


class BestRunsTest(parameterized.TestCase):
    def test_by_hand(self):
        table = {
            0.5: [0.80, 0.82, 0.10],
            1.0: [0.90, 0.70, 0.94],
            2.0: [0.91, _NAN, 0.9],
        }
        found = best_runs.sweep(_runs(table), best_runs.Selection(2, 3))
        np.testing.assert_allclose(found.rates["mean"], [0.81, 0.92, 0.905])
        np.testing.assert_allclose(
            found.rates["std"], [0.02 / 2**0.5, 0.04 / 2**0.5, 0.01 / 2**0.5]
        )
        np.testing.assert_allclose(found.rates["plain"], [1.72 / 3, 2.54 / 3, 1.91 / 3])
        self.assertEqual(found.rates["diverged"].tolist(), [0, 0, 1])
        # 0.905 lies within 0.92 - 0.028.
        self.assertEqual((found.best, found.low, found.high), (1.0, 1.0, 2.0))
        self.assertEqual(found.edge, "upper")
        loss = found.optimum["final_train_cross_entropy"]
        self.assertAlmostEqual(loss, 0.08)
        self.assertEqual(found.values.loc[2.0].tolist(), [0.91, 0.1, 0.9])

    def test_lower_is_better(self):
        table = {0.5: [3.0, 2.0], 1.0: [1.0, 1.2], 2.0: [_NAN, _NAN], 4.0: [4.0, 1.0]}
        selection = best_runs.Selection(
            1, 2, "final_train_cross_entropy", False, float("inf")
        )
        runs = _runs(table)
        runs["final_train_cross_entropy"] = runs["final_test_accuracy"]
        found = best_runs.sweep(runs, selection)
        self.assertEqual(found.rates["mean"].tolist(), [2.0, 1.0, float("inf"), 1.0])
        self.assertEqual((found.best, found.low, found.high), (1.0, 1.0, 4.0))

    @parameterized.parameters((3, 3, [1, 2, 0]), (3, 4, [1, 2]), (1, 9, [1]))
    def test_fewer_runs_keep_fewer(self, keep, of, expected):
        selection = best_runs.Selection(keep, of)
        values = np.array([0.1, 0.9, 0.9])
        self.assertEqual(selection.best(values).tolist(), expected)

    def test_settings(self):
        runs = _runs({1.0: [0.5], 2.0: [0.6]})
        both = pd.concat([runs.assign(batch_size=8), runs.assign(batch_size=4)])
        found = best_runs.by_setting(both, ["batch_size"], best_runs.Selection(1, 1))
        self.assertEqual([*found], [(4,), (8,)])
        self.assertEqual(found[(4,)].best, 2.0)

    def test_refused(self):
        with self.assertRaisesRegex(errors.UserError, "^keep=3: .*2"):
            best_runs.Selection(3, 2)


if __name__ == "__main__":
    absltest.main()
