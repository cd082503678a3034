"""Tests of figure 3: its grid, and its claims on made-up networks."""

import math

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized

from bsgen import config
from bsgen.papers.jastrzebski_2018 import grid
from bsgen.studies import claims
from tests.studies import made_up

_GOAL = grid.TRAIN_LOSSES["quick"]
_DIRECTIONS, _AT_EQUAL_LOSS = (3, 4, 9, 10, 11), slice(5, 9)  # places of claims


def _outcome(
    width,
    loss=lambda run: 0.002,
    missed=lambda run: 1.0,
    diverged=lambda run: False,
):
    """Networks whose log width is `width` of log eta, log S and log loss.

    The error rate goes as a power of the width. `loss` is that after equal epochs; it,
    or that at which a run is to end, is missed by `missed` and up to a tenth.
    """

    def outcome(run, generator):
        if diverged(run):
            return None
        at_end = (run.stop_train_loss or loss(run)) * missed(run)
        at_end *= generator.uniform(0.9, 1)
        rate, size = math.log(run.sgd.learning_rate), math.log(run.batch_size)
        log = width(rate, size, math.log(at_end)) + generator.normal(0, 0.05)
        final = {
            "max_eigenvalue": math.exp(log),
            "hessian_frobenius_norm": 2 * math.exp(log),
            "test_accuracy": 1 - 0.03 * math.exp(0.1 * log),
            "train_accuracy": 1.0,
            "train_cross_entropy": at_end,
        }
        if run.stop_train_loss:
            final["hessian_trace"] = 8 * math.exp(log)
        return {}, final

    return outcome


def _by_rule(power, exponent):
    """Width as (S^exponent / eta)^power, in proportion to the loss."""
    return lambda rate, size, loss: power * (exponent * size - rate) + loss


def _judge(*arguments, num_seeds=8, **settings):
    outcome = _outcome(*arguments, **settings)
    results = made_up.results(grid.runs("quick", num_seeds), outcome)
    return made_up.judged("jastrzebski_2018/fig3", results)


class GridTest(parameterized.TestCase):
    @parameterized.parameters(*grid.TASKS)
    def test_grid(self, scale):
        runs = grid.runs(scale, 2)
        rows, columns = len(grid.LEARNING_RATES[scale]), len(grid.BATCH_SIZES[scale])
        self.assertLen({run.key for run in runs}, 4 * rows * columns)
        self.assertGreaterEqual(min(rows, columns), 4)
        found = grid.analyse(made_up.results(runs, _outcome(_by_rule(1, 1))))
        for networks in (found.ended, found.fitted):
            self.assertLen(networks, 2 * rows * columns)
            # Both rise by one factor: as many ratios as the grid has diagonals.
            self.assertEqual(networks["ratio"].nunique(), rows + columns - 1)
        for run in runs[: len(runs) // 2]:
            self.assertEqual(run.optimizer.momentum, 0.0)
            measures = "max_eigenvalue", "hessian_frobenius_norm"
            self.assertEqual(
                (run.final_measures, run.stop_train_loss), (measures, None)
            )
            epochs = run.num_steps * run.batch_size / run.data.train_size
            expected = grid.TASKS[scale].budget.num_epochs
            self.assertAlmostEqual(epochs / expected, 1, delta=0.01)

    def test_runs_until_a_loss_may_take_as_long_as_they_need(self):
        runs = grid.runs("quick", 1)
        for run, longer in zip(runs[:16], runs[16:], strict=True):
            self.assertEqual(longer.stop_train_loss, _GOAL)
            self.assertEqual(longer.final_measures, config.FINAL_MEASURES)
            clock = longer.sgd.learning_rate * np.array(longer.evaluation_steps)
            self.assertLess(clock[0], 6)
            self.assertGreaterEqual(clock[-1], 40)
            self.assertGreaterEqual(longer.num_steps, run.num_steps)
            steps = np.array(longer.evaluation_steps)
            self.assertLess(np.max(steps[1:] / steps[:-1]), 1.1)

    def test_the_claims_of_the_paper(self):
        judged = _judge(_by_rule(1, 1))
        self.assertEqual(made_up.verdicts(judged), [claims.HOLDS] * 13)
        for place, expected in ((0, -1), (2, 1), (3, 45), (5, -1), (9, 45), (12, -1)):
            self.assertAlmostEqual(judged[place].measured / expected, 1, delta=0.05)

    @parameterized.parameters((0.5, 26.6), (0.0, 0.0), (-1.0, -45.0), (20.0, 87.1))
    def test_another_rule_does_not_pass_as_the_paper_s(self, exponent, angle):
        judged = _judge(_by_rule(0.6, exponent))
        for place in _DIRECTIONS:
            self.assertEqual(judged[place].verdict, claims.FAILS)
            self.assertAlmostEqual(judged[place].measured, angle, delta=3)

    def test_the_root_of_the_batch_size_passes_the_correlations(self):
        # So they alone would decide nothing.
        verdicts = made_up.verdicts(_judge(_by_rule(0.6, 0.5)))
        self.assertEqual(verdicts[:3], [claims.HOLDS] * 3)

    def test_widths_that_follow_the_loss_alone(self):
        # After equal epochs the loss falls with the clock, E N eta / S.
        def loss(run):
            return 0.2 / (run.sgd.learning_rate * run.num_steps)

        judged = _judge(lambda rate, size, loss: loss, loss)
        verdicts = made_up.verdicts(judged)
        self.assertEqual(verdicts[:5], [claims.HOLDS] * 5)
        self.assertRegex(judged[0].note, r"with the training loss it is (1|0\.9\d?)$")
        self.assertNotIn(claims.HOLDS, verdicts[5:])
        self.assertEqual(verdicts[12], claims.FAILS)
        for claim in judged[_AT_EQUAL_LOSS]:
            self.assertAlmostEqual(claim.measured, 0, delta=0.03)

    def test_a_loss_that_is_missed_by_more_at_small_batches(self):
        # Evaluations are not after every step.
        judged = _judge(
            lambda rate, size, loss: loss,
            missed=lambda run: (run.batch_size / 250) ** 0.2,
        )
        for claim in judged[_AT_EQUAL_LOSS]:
            self.assertAlmostEqual(claim.measured, 0, delta=0.03)

    def test_the_contrary(self):
        verdicts = made_up.verdicts(_judge(_by_rule(-1, 1)))
        self.assertEqual(verdicts, [claims.FAILS] * 13)

    def test_one_seed_decides_nothing(self):
        judged = _judge(_by_rule(1, 1), num_seeds=1)
        self.assertEqual(made_up.verdicts(judged), [claims.UNDECIDED] * 13)

    def test_what_did_not_get_there_is_left_out_and_counted(self):
        def diverged(run):
            return run.sgd.learning_rate > 0.2 and run.stop_train_loss is not None

        judged = _judge(_by_rule(1, 1), diverged=diverged)
        self.assertEqual(made_up.verdicts(judged), [claims.HOLDS] * 13)
        self.assertIn("128 of 128 runs fit", judged[0].note)
        self.assertIn("which 96 of 128 runs reach", judged[5].note)

    def test_what_diverged_within_equal_epochs_is_left_out(self):
        def diverged(run):
            return run.sgd.learning_rate > 0.2 and run.stop_train_loss is None

        judged = _judge(_by_rule(1, 1), diverged=diverged)
        self.assertEqual(made_up.verdicts(judged), [claims.HOLDS] * 13)
        self.assertIn("96 of 128 runs fit", judged[0].note)

    def test_a_network_without_an_error_has_one_in_a_thousand(self):
        rates, sizes = [0.1, 0.2, 0.1, 0.2], [8, 8, 16, 16]
        rows = pd.DataFrame({"learning_rate": rates, "batch_size": sizes, "seed": 0})
        rows["final_test_accuracy"] = [1.0, 0.998, 0.998, 0.996]
        slopes = grid._slopes(rows, "test error")
        np.testing.assert_allclose(np.ravel(slopes), [1, 1], rtol=1e-6)

    def test_what_stays_above_the_loss_is_left_out(self):
        judged = _judge(
            _by_rule(1, 1), missed=lambda run: 1.2 if run.batch_size == 16 else 1.0
        )
        self.assertIn("which 96 of 128 runs reach", judged[5].note)

    def test_half_a_grid(self):
        runs = grid.runs("quick", 2)[:32]
        judged = made_up.judged(
            "jastrzebski_2018/fig3", made_up.results(runs, _outcome(_by_rule(1, 1)))
        )
        self.assertEqual({c.reason for c in judged[5:9]}, {"nothing to measure"})


if __name__ == "__main__":
    absltest.main()
