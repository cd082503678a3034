"""Tests of figure 5: its settings and its claims."""

import math

from absl.testing import absltest, parameterized

from bsgen.papers.jastrzebski_2018 import breakdown
from bsgen.studies import claims
from tests.papers.jastrzebski_2018 import learning_curve_outcomes
from tests.studies import made_up


def _judge(drop):
    """`drop` takes beta and N and gives what the accuracy loses."""
    smallest = breakdown.TASKS["quick"].batch_size

    def final_accuracy(run):
        beta = run.batch_size / smallest
        return 0.95 - drop(beta, run.data.train_size)

    runs = breakdown.runs("quick", 4)
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
        self.assertEqual(made_up.verdicts(judged), [claims.HOLDS] * 4)

    def test_a_breakdown_at_once(self):
        judged = _judge(lambda beta, n: 0.05 * math.log2(beta))
        self.assertEqual(judged[0].verdict, claims.FAILS)
        self.assertAlmostEqual(judged[0].measured, 0.05, delta=0.005)
        self.assertNotEqual(judged[3].verdict, claims.HOLDS)

    def test_magnified_for_the_larger_set(self):
        judged = _judge(lambda beta, n: 0.02 * math.log2(beta) * n / 500)
        self.assertEqual(judged[3].verdict, claims.FAILS)

    def test_no_breakdown(self):
        judged = _judge(lambda beta, n: -0.002 * math.log2(beta))
        self.assertEqual(made_up.verdicts(judged)[1:3], [claims.FAILS] * 2)


if __name__ == "__main__":
    absltest.main()
