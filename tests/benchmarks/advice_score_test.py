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
    return _of(advice_score.sweeps("toy", "m = 0", _runs(best, **more)), critical)


def _of(found, critical):
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
        found = advice_score.sweeps("toy", "m = 0", _runs(best))
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

    def test_costs_are_judged_by_two_percent(self):
        """A cost of 1, or of 1.015 and 1.03 off the best rate by one and by two."""
        runs = _runs({8: 0.0625, 16: 0.25, 32: 0.25})
        off = (0.9 - runs.pop("final_test_accuracy")) / 0.01
        runs["final_test_mse"] = 3.0 * (1.0 + 0.015 * off)
        sweeps = advice_score.sweeps("toy", "m = 0", runs)
        self.assertEqual([one.best_rate for one in sweeps], [0.0625, 0.25, 0.25])
        pair = next(iter(_of(sweeps, math.inf)))
        self.assertTrue(pair.is_cost)
        lost = pair.losses(np.arange(4))
        self.assertAlmostEqual(lost["linear"], 0.015)
        self.assertAlmostEqual(lost["no change"], 0.03)
        found = dict(zip(advice_score.RULES, pair.hits(np.arange(4)), strict=True))
        self.assertTrue(found["linear"])
        self.assertFalse(found["no change"])
        table = advice_score.table([pair])
        self.assertTrue(math.isnan(table.loc["linear", "lost"]))

    def test_diverged_runs_have_an_infinite_cost(self):
        runs = _runs({8: 0.0625, 16: 0.25, 256: 0.03125})
        runs["final_test_mse"] = 1.0 - runs.pop("final_test_accuracy")
        pairs = list(_of(advice_score.sweeps("toy", "m = 0", runs), math.inf))
        self.assertEqual(pairs[1].batch_sizes, (8, 256))
        self.assertEqual(pairs[1].losses(np.arange(4))["linear"], math.inf)

    def test_studies_are_drawn_not_their_pairs(self):
        """One study where the linear rule always hits, and one where it never does."""
        right = {8: 0.0625, 16: 0.125, 32: 0.25, 64: 0.5}
        wrong = {8: 0.25, 16: 0.125, 32: 0.0625, 64: 0.03125}
        pairs = []
        for study, best in (("right", right), ("wrong", wrong)):
            for group in ("m = 0", "m = 0.9"):
                sweeps = advice_score.sweeps(study, group, _runs(best))
                pairs += _of(sweeps, math.inf)
        row = advice_score.table(pairs).loc["linear"]
        self.assertEqual((row["hits from"], row["hits"], row["hits to"]), (0, 0.5, 1))

    def test_interval_holds_the_share(self):
        best = {8: 0.0625, 16: 0.125, 32: 0.25, 64: 0.25}
        table = advice_score.table(_pairs(best, critical=0.25, noise=0.003))
        row = table.loc["square root"]
        self.assertLessEqual(row["hits from"], row["hits"])
        self.assertGreaterEqual(row["hits to"], row["hits"])


if __name__ == "__main__":
    absltest.main()
