"""Tests of figure 2: its rules and its claims."""

import math

import pandas as pd
from absl.testing import absltest, parameterized

from bsgen.papers.jastrzebski_2018 import rescaling
from bsgen.studies import claims, study
from tests.papers.jastrzebski_2018 import learning_curve_outcomes
from tests.studies import made_up


def _judge(exponent, scale="quick"):
    """Curves that depend on learning rate / batch size^exponent alone."""

    def final_accuracy(run):
        rate = run.optimizer.learning_rate / run.batch_size**exponent
        of_rate = 0.5 + 0.03 * math.log(rate)
        return of_rate + learning_curve_outcomes.of_seed(run)

    runs = rescaling.runs(scale, 8)
    results = learning_curve_outcomes.results(runs, final_accuracy)
    return made_up.judged("jastrzebski_2018/fig2", results)


class RescalingTest(parameterized.TestCase):
    @parameterized.parameters("quick", "paper")
    def test_rules(self, scale):
        for task in rescaling.TASKS[scale]:
            runs = [r for r in rescaling.runs(scale, 1) if r.model == task.model]
            small, *large = [(r.optimizer.learning_rate, r.batch_size) for r in runs]
            base = task.optimizer.learning_rate
            self.assertEqual(small, (base, task.batch_size))
            self.assertEqual(
                {b for _, b in large}, {task.batch_size * rescaling.FACTOR}
            )
            factors = [rate / base for rate, _ in large]
            expected = [rescaling.FACTOR, math.sqrt(rescaling.FACTOR), 1.0]
            for factor, wanted in zip(factors, expected, strict=True):
                self.assertAlmostEqual(factor, wanted, places=9)

    def test_curves_that_follow_the_ratio(self):
        self.assertEqual(made_up.verdicts(_judge(1.0)), [claims.HOLDS] * 4)

    def test_curves_that_follow_the_square_root(self):
        verdicts = made_up.verdicts(_judge(0.5))
        self.assertEqual(verdicts[:1] + verdicts[2:], [claims.FAILS] * 3)

    def test_curves_that_follow_the_rate(self):
        self.assertEqual(made_up.verdicts(_judge(0.0)), [claims.FAILS] * 4)

    def test_every_network_is_judged(self):
        judged = _judge(1.0, "paper")
        names = [claim.claim.split(":")[0] for claim in judged]
        self.assertEqual(names, ["resnet56"] * 4 + ["vgg11"] * 4)
        self.assertEqual(made_up.verdicts(judged), [claims.HOLDS] * 8)

    def test_order_of_the_rows_does_not_matter(self):
        runs = rescaling.runs("quick", 2)
        found = learning_curve_outcomes.results(runs, lambda run: 0.9)
        shuffled = study.Results(
            found.runs.sample(frac=1, random_state=1), found.curves
        )
        (straight,), (mixed,) = (
            rescaling.analyse(each).values() for each in (found, shuffled)
        )
        for one, other in zip(
            (straight.small, *straight.large.values()),
            (mixed.small, *mixed.large.values()),
            strict=True,
        ):
            pd.testing.assert_frame_equal(one.runs, other.runs.sort_index())


if __name__ == "__main__":
    absltest.main()
