"""Tests of figure 1: its schedules and its claims."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.papers.jastrzebski_2018 import cycles
from bsgen.studies import claims
from bsgen.training import step_plan
from tests.papers.jastrzebski_2018 import learning_curve_outcomes
from tests.studies import made_up


def _ratios(run):
    plan = step_plan.make(run, run.data.train_size)
    return plan.epochs[:-1], plan.learning_rates / plan.batch_sizes


def _is_cyclic(run):
    return len(np.unique(_ratios(run)[1].round(9))) > 1


def _judge(final_accuracy):
    runs = cycles.runs("quick", 8)
    results = learning_curve_outcomes.results(
        runs, lambda run: final_accuracy(run) + learning_curve_outcomes.of_seed(run)
    )
    return made_up.verdicts(made_up.judged("jastrzebski_2018/fig1", results))


class CyclesTest(parameterized.TestCase):
    @parameterized.parameters("quick", "paper")
    def test_ratios_of_a_pair_are_equal_at_every_epoch(self, scale):
        batch, rate, small, large = cycles.runs(scale, 1)
        epochs = np.linspace(0, cycles.TASKS[scale].budget.num_epochs, 500)[:-1]
        for first, second in ((batch, rate), (small, large)):
            found = [
                ratios[np.searchsorted(places, epochs, side="right") - 1]
                for places, ratios in (_ratios(first), _ratios(second))
            ]
            # Around a change the larger batch may come late by a batch.
            same = np.isclose(*found, rtol=1e-5)
            self.assertGreater(same.mean(), 0.97)
        self.assertLen(np.unique(_ratios(batch)[1].round(9)), 2)
        self.assertAlmostEqual(
            _ratios(rate)[1].max() / _ratios(small)[1].max(), cycles.FACTOR, places=4
        )

    def test_settings_are_told_apart(self):
        runs = cycles.runs("quick", 2)
        results = learning_curve_outcomes.results(runs, lambda run: 0.9)
        found = cycles.analyse(results)
        order = [cycles.CYCLIC_BATCH, cycles.CYCLIC_RATE, cycles.SMALL, cycles.LARGE]
        expected = {
            name: [run.key for run in runs[place::4]]
            for place, name in enumerate(order)
        }
        keys = {name: each.runs["key"].tolist() for name, each in found.items()}
        self.assertEqual(keys, expected)

    def test_curves_that_follow_the_ratio(self):
        verdicts = _judge(lambda run: 0.9 if _is_cyclic(run) else 0.7)
        self.assertEqual(verdicts, [claims.HOLDS] * 4)

    def test_curves_that_follow_the_batch_size(self):
        def final_accuracy(run):
            large = run.batch_size == 100 or run.batch_size_schedule.name == "cyclic"
            return 0.7 if large else 0.9

        self.assertEqual(_judge(final_accuracy), [claims.FAILS] * 4)

    def test_settings_that_vary_more_than_they_share(self):
        # Equal seeds share nothing, so they lie as far apart as others, no closer.
        runs = cycles.runs("quick", 8)
        results = learning_curve_outcomes.results(runs, lambda run: 0.8, noise=0.01)
        judged = made_up.judged("jastrzebski_2018/fig1", results)
        verdicts = made_up.verdicts(judged)
        self.assertEqual(verdicts[1::2], [claims.HOLDS] * 2)
        self.assertNotIn(claims.HOLDS, verdicts[::2])


if __name__ == "__main__":
    absltest.main()
