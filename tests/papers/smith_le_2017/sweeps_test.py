"""Tests of figures 4 to 7: their runs, and claims on made-up results."""

import math

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.papers.smith_le_2017 import scaling_rules
from tests.studies import made_up

FIGURE4, FIGURE5, FIGURE6, FIGURE7 = (f"smith_le_2017/fig{n}" for n in (4, 5, 6, 7))
NUM_STEPS = {"quick": 2000, "paper": 10_000}  # at learning rate 1
MAX_EXAMPLES = {"quick": 1_050_000, "paper": 41_000_000}


def _results(name, optimum, highest=lambda run: 0.95, *, scale="quick", floor=None):
    """Accuracy falls by 0.01 (log2(B / optimum))^2 from `highest`; both take a run.

    Batch sizes up to `floor` diverge.
    """

    def outcome(run, rng):
        if floor and run.batch_size <= floor:
            return None
        drop = 0.01 * np.log2(run.batch_size / optimum(run)) ** 2
        accuracy = max(0.1, highest(run) - drop) + 0.001 * rng.normal()
        curve = {"step": [run.num_steps], "test_accuracy": [accuracy]}
        return curve, {"test_accuracy": accuracy}

    return made_up.results(made_up.runs(name, scale, 4), outcome)


def _keys(runs):
    return {run.key for run in runs}


class RunsTest(parameterized.TestCase):
    @parameterized.parameters("quick", "paper")
    def test_figures_share_runs(self, scale):
        largest = MAX_EXAMPLES[scale] // NUM_STEPS[scale]
        of_figure4 = made_up.runs(FIGURE4, scale, None)
        sizes = {run.batch_size for run in of_figure4}
        expected = {2**k for k in range(10)} | {1000}
        self.assertEqual(sizes, expected)
        shared = _keys(run for run in of_figure4 if run.batch_size <= largest)
        self.assertNotEmpty(shared)
        for name in (FIGURE5, FIGURE6, FIGURE7):
            self.assertContainsSubset(shared, _keys(made_up.runs(name, scale, None)))
        figure3 = made_up.runs("smith_le_2017/fig3", scale, None)
        full = [run for run in figure3 if run.batch_size == 1000]
        self.assertContainsSubset(_keys(full), _keys(of_figure4))

    @parameterized.product(
        scale=("quick", "paper"),
        name=(FIGURE4, FIGURE5, FIGURE6, FIGURE7),
    )
    def test_settings(self, scale, name):
        runs = made_up.runs(name, scale, 2)
        self.assertLen(_keys(runs), len(runs))  # none twice
        for run in runs:
            rate = run.optimizer.learning_rate
            # Figure 5: steps times learning rate is constant, up to rounding.
            self.assertEqual(run.num_steps, round(NUM_STEPS[scale] / rate))
            self.assertEqual(run.evaluation_steps[0], 0)
            self.assertEqual(run.evaluation_steps[-1], run.num_steps)
            self.assertLessEqual(run.batch_size, run.data.train_size)
            self.assertEqual((run.seed, run.optimizer.l2), (run.data.subset_seed, 0))
            if name != FIGURE4:
                examples = run.batch_size * run.num_steps
                self.assertLessEqual(examples, MAX_EXAMPLES[scale])
        # More seeds add runs and change none: a folder may grow.
        self.assertContainsSubset(_keys(runs), _keys(made_up.runs(name, scale, 3)))


class Figure4Test(absltest.TestCase):
    def test_as_in_the_paper(self):
        results = _results(FIGURE4, lambda run: 32, floor=8)
        judged = made_up.judged(FIGURE4, results)
        self.assertEqual(made_up.verdicts(judged), ["holds"] * 3)
        # A run that diverged counts as a guess.
        self.assertAlmostEqual(judged[1].measured, 0.95 - 0.1, delta=0.002)
        expected = 0.01 * math.log2(1000 / 32) ** 2
        self.assertAlmostEqual(judged[0].measured, expected, delta=0.002)

    def test_the_full_batch_is_best(self):
        results = _results(FIGURE4, lambda run: 1000)
        self.assertEqual(
            made_up.verdicts(made_up.judged(FIGURE4, results)),
            ["fails", "holds", "holds"],
        )

    def test_the_smallest_batch_is_best(self):
        results = _results(FIGURE4, lambda run: 1)
        self.assertEqual(
            made_up.verdicts(made_up.judged(FIGURE4, results)),
            ["holds", "fails", "fails"],
        )


class ScalingTest(parameterized.TestCase):
    """B_opt as a power of the setting: 1 is the claim, 0 and 2 are not."""

    @parameterized.named_parameters(
        (
            "figure5",
            FIGURE5,
            lambda run: run.optimizer.learning_rate,
            24,
            "quick",
        ),
        (
            "figure6",
            FIGURE6,
            lambda run: run.data.train_size / 1000,
            24,
            "paper",
        ),
        (
            "figure7",
            FIGURE7,
            lambda run: 0.1 / (1 - run.optimizer.momentum),
            24,
            "quick",
        ),
    )
    def test_exponents(self, name, setting, base, scale):
        proportional = _results(name, lambda run: base * setting(run), scale=scale)
        claim = made_up.judged(name, proportional)[0]
        # The grids that the budget leaves need not tell 1 from 0 and 2.
        self.assertIn(claim.verdict, ("holds", "undecided"))
        self.assertBetween(1, *claim.interval)
        constant = _results(name, lambda run: base, scale=scale)
        claim = made_up.judged(name, constant)[0]
        self.assertIn(claim.verdict, ("fails", "undecided"))
        self.assertBetween(0, *claim.interval)

    def test_figure6_fails(self):
        results = _results(FIGURE6, lambda run: 700, scale="paper")
        self.assertEqual(made_up.judged(FIGURE6, results)[0].verdict, "fails")

    def test_figure6_needs_large_training_sets(self):
        results = _results(FIGURE6, lambda run: 0.06 * run.data.train_size)
        claim = made_up.judged(FIGURE6, results)[0]
        self.assertEqual(claim.verdict, "undecided")
        self.assertIn("not tested", claim.note)
        self.assertAlmostEqual(claim.measured, 1, delta=0.15)

    def test_figure5_constant_fails(self):
        results = _results(FIGURE5, lambda run: 24)
        self.assertEqual(made_up.judged(FIGURE5, results)[0].verdict, "fails")

    def test_figure7_holds(self):
        results = _results(FIGURE7, lambda run: 3 / (1 - run.optimizer.momentum))
        (claim,) = made_up.judged(FIGURE7, results)
        self.assertEqual(claim.verdict, "holds")
        self.assertAlmostEqual(claim.measured, 1, delta=0.15)

    def test_figure7_square_fails(self):
        results = _results(FIGURE7, lambda run: 1.5 / (1 - run.optimizer.momentum) ** 2)
        (claim,) = made_up.judged(FIGURE7, results)
        self.assertEqual(claim.verdict, "fails")
        self.assertBetween(2, *claim.interval)

    def test_figure5_accuracy_falls_at_large_rates(self):
        for factor, expected in ((0.05, "holds"), (-0.01, "fails")):
            results = _results(
                FIGURE5,
                lambda run: 32 * run.optimizer.learning_rate,
                lambda run, factor=factor: (
                    0.9 - factor * run.optimizer.learning_rate / 10
                ),
            )
            self.assertEqual(made_up.judged(FIGURE5, results)[1].verdict, expected)

    def test_figure6_accuracy_rises_with_the_training_set(self):
        for sign, expected in ((1, "holds"), (-1, "fails")):
            results = _results(
                FIGURE6,
                lambda run: 0.032 * run.data.train_size,
                lambda run, sign=sign: 0.9 + sign * run.data.train_size / 20_000,
            )
            self.assertEqual(made_up.judged(FIGURE6, results)[1].verdict, expected)

    def test_edges_and_settings_that_do_not_train_are_not_fitted(self):
        results = _results(
            FIGURE7,
            lambda run: (
                3 / (1 - run.optimizer.momentum) if run.optimizer.momentum else 1
            ),
            lambda run: 0.5 if run.optimizer.momentum == 0.98 else 0.95,
        )
        found = scaling_rules.analyse(results, scaling_rules.MOMENTUM)
        self.assertEqual(
            [sweep.setting for sweep in found.sweeps], [0.0, 0.5, 0.8, 0.9, 0.95, 0.98]
        )
        self.assertTrue(found.sweeps[0].best.at_edge)
        fitted = [sweep.setting for sweep in found.fitted]
        self.assertEqual(fitted, [0.5, 0.8, 0.9, 0.95])
        (claim,) = made_up.judged(FIGURE7, results)
        self.assertIn("4 of 6 settings fitted", claim.note)

    def test_nothing_to_fit_is_undecided(self):
        results = _results(FIGURE7, lambda run: 1)
        (claim,) = made_up.judged(FIGURE7, results)
        self.assertEqual((claim.verdict, claim.measured), ("undecided", None))
        self.assertEqual(claim.interval, (None, None))


if __name__ == "__main__":
    absltest.main()
