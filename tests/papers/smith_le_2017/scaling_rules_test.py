"""Tests of the claims of figures 5 to 7, on made-up results."""

import re

from absl.testing import absltest, parameterized

from bsgen.papers.smith_le_2017 import scaling_rules, scaling_rules_figure
from tests.papers.smith_le_2017 import made_up_sweeps
from tests.papers.smith_le_2017.made_up_sweeps import FIGURE5, FIGURE6, FIGURE7
from tests.studies import made_up

_results = made_up_sweeps.results


class ScalingTest(parameterized.TestCase):
    """B_opt as a power of the setting: 1 is the claim, 0, 1/2 and 2 are not."""

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
        results = _results(FIGURE6, lambda run: 0.03 * run.data.train_size)
        claim = made_up.judged(FIGURE6, results)[0]
        self.assertEqual(claim.verdict, "undecided")
        self.assertIn("not tested at this scale", claim.reason)
        self.assertAlmostEqual(claim.measured, 1, delta=0.15)

    def test_sizes_too_far_apart_are_the_reason_where_seeds_cannot_help(self):
        # An exponent on the band's end: no number of seeds tells on which side.
        results = _results(
            FIGURE6, lambda run: 0.03 * run.data.train_size**0.75, scale="paper"
        )
        claim = made_up.judged(FIGURE6, results)[0]
        self.assertEqual(claim.verdict, "undecided")
        self.assertStartsWith(claim.reason, "the batch sizes tried are too far apart")
        self.assertIsNone(claim.sureness)

    def test_one_seed_is_too_few_and_not_too_coarse(self):
        results = _results(FIGURE7, lambda run: 3 / (1 - run.optimizer.momentum))
        alone = results._replace(runs=results.runs[results.runs["seed"] == 0])
        claim = made_up.judged(FIGURE7, alone)[0]
        self.assertEqual(claim.verdict, "undecided")
        self.assertStartsWith(claim.reason, "too few seeds")

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
        for factor, highest, expected in ((0.05, 1, "holds"), (-0.01, 10, "fails")):
            results = _results(
                FIGURE5,
                lambda run: 32 * run.optimizer.learning_rate,
                lambda run, factor=factor: (
                    0.9 - factor * abs(run.optimizer.learning_rate - 1) / 10
                ),
            )
            claim = made_up.judged(FIGURE5, results)[1]
            self.assertEqual(claim.verdict, expected)
            self.assertEndsWith(claim.quantity, f"10 minus at {highest}")

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
            lambda run: 0.5 if run.optimizer.momentum == 0.9 else 0.95,
        )
        found = scaling_rules.analyse(results, scaling_rules.MOMENTUM)
        self.assertEqual(
            [sweep.setting for sweep in found.sweeps], [0.0, 0.5, 0.8, 0.9]
        )
        self.assertTrue(found.sweeps[0].best.at_edge)
        self.assertEqual(found.fit.settings, [0.5, 0.8])
        (claim,) = made_up.judged(FIGURE7, results)
        self.assertIn("2 of 4 settings fitted", claim.note)

    def test_figure6_is_fitted_where_claimed_and_everywhere(self):
        # Constant up to N = 10,000 and proportional from 20,000 on.
        results = _results(
            FIGURE6, lambda run: 0.003 * max(run.data.train_size, 20_000), scale="paper"
        )
        found = scaling_rules.analyse(results, scaling_rules.TRAIN_SIZE)
        self.assertEqual([fit.label for fit in found.fits], ["N ≥ 20,000", "all N"])
        claimed, everywhere = (fit.exponent.interval().value for fit in found.fits)
        self.assertAlmostEqual(claimed, 1, delta=0.1)
        self.assertBetween(everywhere, 0.1, 0.6)
        self.assertAlmostEqual(found.fit.shared, claimed, delta=0.1)
        self.assertEqual(found.fit.settings, [20_000, 30_000, 45_000, 60_000])

    @parameterized.parameters(1, 2)
    def test_the_edge_of_training_is_told_beside_the_optimum(self, power):
        """Training breaks down below a quarter of the optimum, or of its root."""
        results = made_up_sweeps.cliffs(
            FIGURE7,
            lambda run: 3 / (1 - run.optimizer.momentum),
            lambda run: 0.8 * (1 / (1 - run.optimizer.momentum)) ** (1 / power),
        )
        found = scaling_rules.analyse(results, scaling_rules.MOMENTUM)
        breakdown = found.fit.breakdown.interval()
        self.assertAlmostEqual(breakdown.value, 1 / power, delta=0.1)
        (claim,) = made_up.judged(FIGURE7, results)
        self.assertIn(f"whose exponent is {breakdown.value:.2f}", claim.note)
        self.assertIn("cannot tell noise from stability", claim.note)
        ratios = re.search(r"B_opt is ([\d.]+) to ([\d.]+) times the size", claim.note)
        lowest, highest = map(float, ratios.groups())
        self.assertBetween(lowest, 3.5, 6)  # 3 / 0.8, and what a parabola adds
        self.assertBetween(highest / lowest, 1, 1.5 if power == 1 else 4)
        shown = scaling_rules_figure.table(found)
        self.assertEqual(shown["momentum"].iloc[-1], "exponent")
        self.assertStartsWith(
            shown["breaks down below"].iloc[-1], f"{breakdown.value:.2f} ["
        )

    def test_an_edge_that_some_seeds_do_not_show_is_left_out(self):
        def edge(run):
            hidden = run.seed == 0 and run.optimizer.momentum == 0.5
            return 0.01 if hidden else 0.8 / (1 - run.optimizer.momentum)

        results = made_up_sweeps.cliffs(
            FIGURE7, lambda run: 3 / (1 - run.optimizer.momentum), edge
        )
        found = scaling_rules.analyse(results, scaling_rules.MOMENTUM)
        self.assertIn(0.5, found.fit.settings)
        self.assertAlmostEqual(found.fit.breakdown.interval().value, 1, delta=0.1)

    @parameterized.parameters((FIGURE5, True), (FIGURE6, False))
    def test_which_figures_cannot_tell_noise_from_stability(self, name, expected):
        def setting(run):
            sized = run.data.train_size / 1000
            return run.optimizer.learning_rate if name == FIGURE5 else sized

        results = made_up_sweeps.cliffs(
            name, lambda run: 24 * setting(run), lambda run: 6 * setting(run)
        )
        note = made_up.judged(name, results)[0].note
        self.assertEqual("cannot tell noise from stability" in note, expected)

    def test_unfinished_sweeps_count_where_their_optimum_lies_inside(self):
        complete = _results(
            FIGURE5, lambda run: 40 * run.optimizer.learning_rate, scale="paper"
        )
        some = complete.runs
        large = (some["learning_rate"] == 0.3) & (some["batch_size"] > 64)
        left = (some["learning_rate"] == 1) & (some["batch_size"] >= 32)
        lost = large | left
        columns = ["key", "learning_rate", "batch_size", "train_size"]
        partial = complete._replace(runs=some[~lost], missing=some.loc[lost, columns])
        found = scaling_rules.analyse(partial, scaling_rules.LEARNING_RATE)
        self.assertIn(0.3, found.fit.settings)
        self.assertNotIn(1.0, found.fit.settings)  # its best size is the largest
        table = scaling_rules_figure.table(found).set_index("learning rate")
        self.assertEqual(table.at["0.3", "B missing"], "128, 256, 512, 1000")
        self.assertEqual(table.at["3", "B missing"], "")
        self.assertEqual(table.at["1", "B_opt"], "at the edge")

    def test_nothing_to_fit_is_undecided(self):
        results = _results(FIGURE7, lambda run: 1)
        (claim,) = made_up.judged(FIGURE7, results)
        self.assertEqual((claim.verdict, claim.measured), ("undecided", None))
        self.assertStartsWith(claim.reason, "nothing to measure")
        self.assertEqual(claim.interval, (None, None))


if __name__ == "__main__":
    absltest.main()
