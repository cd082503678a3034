"""Tests of figure 5: its settings and its claims."""

import math

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.papers.jastrzebski_2018 import breakdown, learning_curves
from bsgen.studies import claims
from tests.papers.jastrzebski_2018 import learning_curve_outcomes
from tests.studies import made_up


def _judge(drop):
    """`drop` takes beta and N and gives what the accuracy loses."""
    smallest = breakdown.TASKS["quick"].batch_size

    def final_accuracy(run):
        beta = run.batch_size / smallest
        kept = 0.9 - drop(beta, run.data.train_size)
        return kept + learning_curve_outcomes.of_seed(run)

    runs = breakdown.runs("quick", 8)
    results = learning_curve_outcomes.results(runs, final_accuracy)
    return made_up.judged("jastrzebski_2018/fig5", results)


class BreakdownTest(parameterized.TestCase):
    @parameterized.parameters("quick", "paper")
    def test_one_ratio(self, scale):
        task, runs = breakdown.TASKS[scale], breakdown.runs(scale, 1)
        expected = task.optimizer.learning_rate / task.batch_size
        for run in runs:
            ratio = run.optimizer.learning_rate / run.batch_size
            self.assertAlmostEqual(ratio / expected, 1, places=9)
            self.assertLessEqual(run.batch_size, run.data.train_size)
        results = learning_curve_outcomes.results(runs, lambda run: 0.9)
        found = breakdown.analyse(results)
        self.assertEqual(list(found), list(breakdown.TRAIN_SIZES[scale]))
        for by_beta in found.values():
            self.assertEqual(list(by_beta), list(breakdown.BETAS[scale]))

    def test_the_claims_of_the_paper(self):
        judged = _judge(lambda beta, n: 0.03 * math.log2(max(1, beta / 4)) * 500 / n)
        self.assertEqual(made_up.verdicts(judged), [claims.HOLDS] * 7)
        self.assertIn("1000 examples", judged[2].claim)
        self.assertIn("250 examples", judged[4].claim)

    def test_a_breakdown_at_once(self):
        judged = _judge(lambda beta, n: 0.05 * math.log2(beta))
        self.assertEqual(made_up.verdicts(judged[:2]), [claims.FAILS] * 2)
        # Alike at both sizes.
        self.assertNotEqual(judged[6].verdict, claims.HOLDS)
        self.assertAlmostEqual(judged[6].measured, 1, delta=0.05)

    def test_magnified_for_the_larger_set(self):
        judged = _judge(lambda beta, n: 0.02 * math.log2(beta) * n / 500)
        self.assertEqual(judged[6].verdict, claims.FAILS)

    def test_similar_is_within_the_standard_deviation_between_seeds(self):
        runs = breakdown.runs("quick", 8)
        best = {}

        def final_accuracy(run):
            lost = 0.004 if run.batch_size == 20 else 0.0
            found = 0.8 + 3 * learning_curve_outcomes.of_seed(run) - lost
            if run.batch_size == 10 and run.data.train_size == 1000:
                best[run.seed] = found
            return found

        results = learning_curve_outcomes.results(runs, final_accuracy, noise=0)
        (similar, *_) = made_up.judged("jastrzebski_2018/fig5", results)
        expected = 0.004 / np.std(list(best.values()), ddof=1)
        # The curves end at 0.993 of their way.
        self.assertAlmostEqual(similar.measured, expected, delta=0.03 * expected)
        self.assertEqual(similar.predicted, "-1 to 1")
        self.assertEqual(similar.verdict, claims.HOLDS)

    def test_a_limit_that_only_less_data_has(self):
        smallest = breakdown.TASKS["quick"].batch_size
        runs = breakdown.runs("quick", 8)

        def final_accuracy(run):
            moved = run.batch_size == 2 * smallest and run.data.train_size == 250
            return 0.9 - 0.1 * moved + learning_curve_outcomes.of_seed(run)

        results = learning_curve_outcomes.results(runs, final_accuracy)
        judged = made_up.judged("jastrzebski_2018/fig5", results)
        self.assertEqual(judged[1].verdict, claims.HOLDS)
        # Of five betas one lies further away, which is about 1 for the others.
        by_beta = breakdown.analyse(results)[250]
        apart = learning_curves.relative_distance(by_beta[2], by_beta[1]).interval()
        self.assertGreater(apart.value, 5)
        self.assertAlmostEqual(judged[6].measured, (4 + apart.value) / 5, delta=0.1)

    def test_less_data_that_only_varies_more(self):
        # Curves of the smaller set lie four times as far apart, for every beta alike.
        runs = breakdown.runs("quick", 8)

        def final_accuracy(run):
            own = learning_curve_outcomes.of_seed(run)
            beta = run.batch_size / breakdown.TASKS["quick"].batch_size
            return 0.8 + (own - 0.005 * math.log2(beta)) * 750 / run.data.train_size

        results = learning_curve_outcomes.results(runs, final_accuracy, noise=0)
        judged = made_up.judged("jastrzebski_2018/fig5", results)
        # Evaluations are at the same epochs but for a part of a batch.
        self.assertAlmostEqual(judged[6].measured, 1, delta=0.02)
        self.assertEqual(judged[6].verdict, claims.UNDECIDED)

    def test_no_breakdown(self):
        judged = _judge(lambda beta, n: -0.0005 * math.log2(beta))
        self.assertEqual(made_up.verdicts(judged[2:6]), [claims.FAILS] * 4)

    def test_curves_that_diverge_and_end_alike(self):
        smallest = breakdown.TASKS["quick"].batch_size
        runs = breakdown.runs("quick", 8)
        results = learning_curve_outcomes.results(
            runs, lambda run: 0.9 + learning_curve_outcomes.of_seed(run)
        )
        late = {run.key for run in runs if run.batch_size == 25 * smallest}
        curves = results.curves
        behind = curves["key"].isin(late) & (curves["epoch"] < 20)
        curves["test_accuracy"] -= 0.2 * behind
        judged = made_up.judged("jastrzebski_2018/fig5", results)
        curves_diverge, performance_falls = judged[2:4]
        self.assertEqual(curves_diverge.verdict, claims.HOLDS)
        self.assertNotEqual(performance_falls.verdict, claims.HOLDS)


if __name__ == "__main__":
    absltest.main()
