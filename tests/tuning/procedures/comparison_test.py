"""Tests of the statistical rules."""

import math

import numpy as np
from absl.testing import absltest, parameterized
from scipy import stats

from bsgen import errors
from bsgen.tuning.procedures import comparison, replay, settings


def measured(scores, batch_size=32, status="completed"):
    setting = settings.Setting(batch_size, 1.0, 0.9)
    return replay.Measured(setting, np.array(scores, float), status)


class RulesTest(parameterized.TestCase):
    def test_loss_is_the_paired_t_test(self):
        rng = np.random.default_rng(0)
        reference, candidate = rng.normal(size=(2, 6))
        found = comparison.loss(measured(reference), measured(candidate))
        expected = stats.ttest_rel(reference, candidate, alternative="greater")
        self.assertAlmostEqual(found.p_value, expected.pvalue, places=12)
        self.assertAlmostEqual(found.mean, np.mean(reference - candidate), places=12)

    def test_settled_is_the_paired_t_test_against_the_tolerance(self):
        rules = comparison.Rules(0.0, tolerance=2.0)
        seen = set()
        for seed in range(40):
            best, other = np.random.default_rng(seed).normal(size=(2, 4))
            found = rules.is_settled(measured(best), measured(other), 2)
            expected = stats.ttest_rel(best + 2.0, other, alternative="greater")
            self.assertEqual(found, expected.pvalue <= 0.025)
            seen.add(found)
            # Repeats that only one of them has do not count.
            again = rules.is_settled(measured([*best, 9.0]), measured(other), 2)
            self.assertEqual(found, again)
        self.assertEqual(seen, {False, True})

    def test_settled_without_spread(self):
        rules = comparison.Rules(0.0, tolerance=0.01)
        two = measured([0.9, 0.9])
        self.assertTrue(rules.is_settled(two, measured([0.905, 0.905])))
        self.assertFalse(rules.is_settled(two, measured([0.915, 0.915])))
        self.assertFalse(rules.is_settled(measured([0.9]), measured([0.1])))

    @parameterized.parameters(1, 3)
    def test_no_more_false_alarms_than_the_level(self, num_references):
        # Candidate and references are equally good: the share of trials in which any
        # of the tests is real is at most 0.05, give or take 3 binomial deviations.
        rules = comparison.Rules(0.0)
        rng = np.random.default_rng(num_references)
        trials = 2000
        alarms = 0
        for _ in range(trials):
            scores = rng.normal(0.9, 0.01, size=(num_references + 1, 5))
            losses = [
                comparison.loss(measured(one), measured(scores[0]))
                for one in scores[1:]
            ]
            alarms += any(rules.is_real(loss, num_references) for loss in losses)
        self.assertLess(alarms, trials * 0.05 + 3 * math.sqrt(trials * 0.05 * 0.95))
        self.assertGreater(alarms, trials * 0.02)  # and the tests do not sleep

    @parameterized.parameters(
        ([0.9], [0.895], False),
        ([0.9], [0.885], True),
        ([0.9, 0.9, 0.9], [0.895, 0.895, 0.895], False),
        ([0.9, 0.9, 0.9], [0.885, 0.885, 0.885], True),
    )
    def test_tolerance_decides_where_no_test_can(self, reference, candidate, expected):
        rounded = [np.float32(scores) for scores in (reference, candidate)]
        loss = comparison.loss(*map(measured, rounded))
        self.assertIsNone(loss.p_value)
        rules = comparison.Rules(0.0, tolerance=0.01)
        self.assertEqual(rules.is_real(loss), expected)

    @parameterized.parameters(
        # The mean is the better one by far more than the tolerance, and no test sees
        # it: from two repeats Student's t takes 6.3 standard errors.
        ([0.9, 0.6], [0.5, 0.5], True, True),
        ([0.9, 0.6, 0.7], [0.5, 0.55, 0.7], True, True),
        # Of four it may; so the loss does not count, but the better mean is taken.
        ([0.9, 0.5, 0.7, 0.8], [0.7, 0.7, 0.6, 0.7], False, True),
        ([0.9, 0.91, 0.9, 0.91], [0.85, 0.86, 0.85, 0.87], True, True),
        ([0.9, 0.8], [0.895, 0.795], False, False),
    )
    def test_few_repeats_let_the_mean_decide(self, one, other, is_worse, is_better):
        rules = comparison.Rules(0.0, tolerance=0.01)
        loss = comparison.loss(measured(one), measured(other))
        self.assertEqual(rules.is_worse(loss), is_worse)
        self.assertEqual(rules.is_better(loss), is_better)
        # While repeats are to come, the test alone decides.
        self.assertEqual(rules.is_worse(loss, is_last=False), rules.is_real(loss))

    def test_nothing_follows_from_one_repeat_of_several(self):
        loss = comparison.loss(measured([0.9]), measured([0.2]))
        rules = comparison.Rules(0.0)
        self.assertFalse(rules.is_worse(loss, is_last=False))
        self.assertTrue(rules.is_worse(loss))

    def test_few_repeats_above_the_baseline_beat_it(self):
        rules = comparison.Rules(-2.0, lower_is_better=True)
        # By far: 0.2 is a tenth of the baseline's error, and t of two repeats is 5.
        self.assertTrue(rules.beats_baseline(measured([-0.2, -0.8])))
        self.assertFalse(rules.beats_baseline(measured([-1.0, -1.9, -3.0, -1.9])))

    @parameterized.parameters(
        (0.1, False, 0.01), (-2.3, True, 0.023), (-1e-4, True, 1e-6), (0.0, True, 0.01)
    )
    def test_default_tolerance(self, baseline, lower_is_better, expected):
        found = comparison.default_tolerance(baseline, lower_is_better)
        self.assertAlmostEqual(found, expected, places=12)

    def test_words_have_the_sign_of_the_metric(self):
        scores = np.array([-0.25, -0.75])
        self.assertEqual(comparison.Rules(0).words(-scores), "0.5 ± 0.2")
        shown = comparison.Rules(-1, lower_is_better=True).words(scores)
        self.assertEqual(shown, "0.5 ± 0.2")

    def test_a_stuck_or_diverged_repeat_has_not_trained(self):
        rules = comparison.Rules(0.1)
        self.assertTrue(rules.trained(measured([0.9, 0.11])))
        self.assertFalse(rules.trained(measured([0.9, np.float32(0.1)])))
        self.assertFalse(rules.trained(measured([0.9, 0.0])))
        self.assertFalse(rules.trained(measured([], status="out_of_memory")))

    def test_best(self):
        rules = comparison.Rules(0.1)
        many = [measured([0.5, 0.7], 8), measured([0.7, 0.5], 16)]
        many += [measured([0.9, 0.0], 4), measured([0.9, 0.05], 64)]
        self.assertEqual(rules.best(many).setting.batch_size, 16)
        self.assertIsNone(rules.best(many[2:]))

    @parameterized.parameters(
        ({"baseline_score": float("nan")}, "baseline_score=nan"),
        ({"baseline_score": 0, "level": 0}, "level=0.0"),
        ({"baseline_score": 0, "level": 0.5}, "level=0.5"),
        ({"baseline_score": 0, "tolerance": -1}, "tolerance=-1"),
    )
    def test_refuses(self, values, message):
        with self.assertRaisesRegex(errors.UserError, message):
            comparison.Rules(**values)


if __name__ == "__main__":
    absltest.main()
