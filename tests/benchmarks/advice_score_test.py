"""Tests of how advice is scored, on sweeps whose answer is known."""

import dataclasses
import math

import numpy as np
import pandas as pd
from absl.testing import absltest

from benchmarks import advice_score
from tests.advice import made_up

_RATES = [2.0**power for power in range(-6, 3)]


def _runs(best, seeds=4, noise=0.0):
    """Accuracy falls by 0.01 for each factor of two off a batch size's best rate."""
    draw = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {
                "batch_size": size,
                "learning_rate": rate,
                "seed": seed,
                "final_test_accuracy": math.nan  # diverged
                if rate > 16 * best[size]
                else 0.9
                - 0.01 * abs(math.log2(rate / best[size]))
                + noise * draw.normal(),
            }
            for size in best
            for rate in _RATES
            for seed in range(seeds)
        ]
    )


def _pairs(best, critical, **more):
    found = advice_score.sweeps("toy, m = 0", _runs(best, **more))
    measured = [
        dataclasses.replace(
            sweep,
            measured=made_up.situation_with(
                batch_size=sweep.batch_size,
                learning_rate=sweep.best_rate,
                target_batch_size=sweep.batch_size,
                momentum=0.0,
                critical_learning_rate=critical,
                gradient_noise_scale=1e9,
            ),
        )
        for sweep in found
    ]
    return list(advice_score.pairs(measured))


class ScoreTest(absltest.TestCase):
    def test_best_rate_of_each_size(self):
        best = {8: 0.0625, 16: 0.125, 32: 0.25}
        found = advice_score.sweeps("toy", _runs(best))
        self.assertEqual({one.batch_size: one.best_rate for one in found}, best)

    def test_two_regimes(self):
        # In proportion up to 0.25, then constant: what the advice says, given 0.25.
        best = {8: 0.0625, 16: 0.125, 32: 0.25, 64: 0.25, 128: 0.25}
        pairs = _pairs(best, critical=0.25)
        self.assertLen(pairs, 10)
        table = advice_score.table(pairs)
        self.assertEqual(table.loc["advice", "hits"], 1.0)
        self.assertEqual(table.loc["advice", "lost"], 0.0)
        # The linear rule is right between the three small sizes only.
        self.assertAlmostEqual(table.loc["linear", "hits"], 0.3)
        self.assertAlmostEqual(table.loc["advice", "over linear"], 0.7)
        # No change is right between the three large ones only.
        self.assertAlmostEqual(table.loc["no change", "hits"], 0.3)
        # From 8 to 128 the linear rule takes 1: two doublings too many.
        self.assertAlmostEqual(pairs[3].losses(np.arange(4))["linear"], 0.02)
        self.assertEqual(pairs[3].batch_sizes, (8, 128))

    def test_without_a_bound_advice_is_the_linear_rule(self):
        pairs = _pairs({8: 0.0625, 16: 0.25, 32: 0.25}, critical=math.inf)
        table = advice_score.table(pairs)
        self.assertEqual(table.loc["advice", "over linear"], 0.0)
        self.assertEqual(table.loc["advice", "over linear from"], 0.0)
        self.assertEqual(table.loc["advice", "lost"], table.loc["linear", "lost"])

    def test_diverged_runs_have_no_accuracy(self):
        pairs = _pairs({8: 0.0625, 16: 0.0625, 256: 0.03125}, critical=math.inf)
        # 32 times 0.0625 is 2, where every run diverges: all of 0.9 is lost.
        lost = next(p for p in pairs if p.batch_sizes == (8, 256)).losses(np.arange(4))
        self.assertAlmostEqual(lost["linear"], 0.9)

    def test_interval_holds_the_share(self):
        best = {8: 0.0625, 16: 0.125, 32: 0.25, 64: 0.25}
        table = advice_score.table(_pairs(best, critical=0.25, noise=0.003))
        row = table.loc["square root"]
        self.assertLessEqual(row["hits from"], row["hits"])
        self.assertGreaterEqual(row["hits to"], row["hits"])


if __name__ == "__main__":
    absltest.main()
