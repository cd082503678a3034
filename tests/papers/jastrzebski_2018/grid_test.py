"""Tests of figure 3: its grid, and its claims on made-up networks."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.papers.jastrzebski_2018 import grid
from bsgen.studies import claims
from tests.studies import made_up


def _outcome(exponent, by_batch_size=0.0, diverged=lambda run: False):
    """Curvature ~ ratio^exponent x batch size^by_batch_size, accuracy accordingly."""

    def outcome(run, generator):
        if diverged(run):
            return None
        log = exponent * np.log(run.optimizer.learning_rate / run.batch_size)
        log += by_batch_size * np.log(run.batch_size) + generator.normal(0, 0.05)
        final = {
            "max_eigenvalue": np.exp(log),
            "hessian_frobenius_norm": 2 * np.exp(log),
            "test_accuracy": 0.8 - 0.01 * log,
            "train_accuracy": 1.0,
        }
        return {}, final

    return outcome


def _judge(*arguments, num_seeds=6, **settings):
    outcome = _outcome(*arguments, **settings)
    results = made_up.results(grid.runs("quick", num_seeds), outcome)
    return made_up.judged("jastrzebski_2018/fig3", results)


class GridTest(parameterized.TestCase):
    @parameterized.parameters(*grid.TASKS)
    def test_grid(self, scale):
        runs = grid.runs(scale, 2)
        rows, columns = len(grid.LEARNING_RATES[scale]), len(grid.BATCH_SIZES[scale])
        self.assertLen({run.key for run in runs}, 2 * rows * columns)
        self.assertGreaterEqual(min(rows, columns), 4)
        found = grid.analyse(made_up.results(runs, _outcome(-1.0)))
        # Both rise by one factor: as many ratios as the grid has diagonals.
        self.assertEqual(found.trained["ratio"].nunique(), rows + columns - 1)
        for run in runs:
            self.assertEqual(run.optimizer.momentum, 0.0)
            measures = "max_eigenvalue", "hessian_frobenius_norm"
            self.assertEqual(run.final_measures, measures)
            epochs = run.num_steps * run.batch_size / run.data.train_size
            expected = grid.TASKS[scale].budget.num_epochs
            self.assertAlmostEqual(epochs / expected, 1, delta=0.01)

    def test_the_claims_of_the_paper(self):
        judged = _judge(-1.0)
        self.assertEqual(made_up.verdicts(judged), [claims.HOLDS] * 5)
        np.testing.assert_allclose([c.measured for c in judged[:3]], [-1, -1, 1], 0.05)

    def test_a_correlation_lies_between_its_ends(self):
        judged = _judge(-0.02, num_seeds=6)
        for claim in judged[:3]:
            self.assertBetween(claim.measured, -0.99, 0.99)
            self.assertBetween(claim.interval[0], -1, claim.measured)
            self.assertBetween(claim.interval[1], claim.measured, 1)

    def test_the_contrary(self):
        judged = _judge(1.0)
        self.assertEqual(made_up.verdicts(judged)[:3], [claims.FAILS] * 3)

    def test_curvature_of_the_batch_size_alone(self):
        # Width and accuracy rise with S: at equal ratio they differ as elsewhere.
        judged = _judge(0.0, 1.0)
        self.assertNotIn(claims.HOLDS, made_up.verdicts(judged)[3:])

    def test_spread_is_that_of_pairs(self):
        results = made_up.results(grid.runs("quick", 1), _outcome(-1.0))
        claim = made_up.judged("jastrzebski_2018/fig3", results)[3]
        rows = [
            (
                round(np.log(r.learning_rate / r.batch_size), 6),
                np.log(r.final_max_eigenvalue),
            )
            for r in results.runs.itertuples()
        ]
        pairs = {True: [], False: []}
        for place, (ratio, value) in enumerate(rows):
            for other, another in rows[:place]:
                pairs[ratio == other].append(abs(value - another))
        self.assertAlmostEqual(
            claim.measured, np.mean(pairs[True]) / np.mean(pairs[False]), places=9
        )
        self.assertEqual(claim.verdict, claims.UNDECIDED)  # one seed has no interval

    def test_diverged_runs_are_left_out(self):
        judged = _judge(-1.0, diverged=lambda run: run.optimizer.learning_rate > 0.2)
        self.assertEqual(made_up.verdicts(judged), [claims.HOLDS] * 5)
        self.assertIn("72 of 96 runs fit", judged[0].note)


if __name__ == "__main__":
    absltest.main()
