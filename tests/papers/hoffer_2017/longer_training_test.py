"""Tests of figure 5: its runs, its claims and what is drawn."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.papers.hoffer_2017 import longer_training, presets, regimes
from bsgen.training import step_plan
from tests.papers.hoffer_2017 import error_outcomes
from tests.studies import made_up

_NAME = "hoffer_2017/fig5"
_REGIME = presets.QUICK
_FACTORS = (1, *longer_training._FACTORS["quick"])
# Final errors by setting: of the paper's claims.
_PAPER = {"small": 0.05, "unadapted": 0.08, "adapted": 0.045, "alone": 0.05}


def _high_rate_steps(run):
    rates = step_plan.make(run, run.data.train_size).learning_rates
    return int(np.sum(rates == rates[0]))


def _setting(run):
    """Returns the name of a run's setting, or its factor."""
    if run.batch_size == _REGIME.small_batch_size:
        return "small"
    small = _REGIME.run(regimes.SB, 0)
    if run.model.normalization == "batch":
        return "alone" if run.num_steps == small.num_steps else "unadapted"
    if run.num_steps == small.num_steps:
        return "adapted"
    return _high_rate_steps(run) / _high_rate_steps(_REGIME.run(regimes.GBN, 0))


def _results(
    ends=None,
    by_factor=lambda factor: 0.07 - 0.003 * np.log2(factor),
    before=lambda factor: 0.2,
):
    ends = _PAPER | (ends or {})

    def final_error(run):
        setting = _setting(run)
        last = ends[setting] if setting in ends else by_factor(setting)
        return last + error_outcomes.of_seed(run)

    def curve(run, share):
        setting = _setting(run)
        level = 0.2 if isinstance(setting, str) else before(setting)
        return np.full(len(share), level + error_outcomes.of_seed(run))

    runs = made_up.runs(_NAME, "quick", 5)
    return error_outcomes.results(runs, final_error, curve=curve)


def _verdicts(*arguments):
    return made_up.verdicts(made_up.judged(_NAME, _results(*arguments)))


class RunsTest(parameterized.TestCase):
    def test_settings(self):
        runs = made_up.runs(_NAME, "quick", 2)
        settings = [_setting(run) for run in runs]
        expected = ["small", "unadapted", "adapted", "alone", *_FACTORS]
        self.assertEqual(settings, 2 * expected)

    def test_only_the_first_phase_is_longer(self):
        runs = made_up.runs(_NAME, "quick", 1)
        prolonged = [run for run in runs if isinstance(_setting(run), float)]
        first, *longer = prolonged
        before = _high_rate_steps(first)
        for factor, run in zip(_FACTORS[1:], longer, strict=True):
            plans = [step_plan.make(r, 1000).learning_rates for r in (first, run)]
            np.testing.assert_array_equal(
                plans[0][before:], plans[1][factor * before :]
            )
            self.assertIn(factor * before, run.evaluation_steps)
            later = (factor - 1) * before
            self.assertContainsSubset(
                [step + later for step in first.evaluation_steps if step > before],
                run.evaluation_steps,
            )

    def test_the_papers_own_batch_size_and_runs(self):
        small, unadapted, adapted = made_up.runs(_NAME, "paper", 1)
        self.assertEqual(small.batch_size, 128)
        self.assertEqual([unadapted.batch_size, adapted.batch_size], [2048, 2048])
        self.assertEqual(adapted.num_steps, small.num_steps)


class ClaimsTest(absltest.TestCase):
    def test_as_in_the_paper(self):
        self.assertEqual(_verdicts(), ["holds"] * 4)

    def test_adaptation_that_does_not_help(self):
        self.assertEqual(_verdicts({"adapted": 0.09})[0], "fails")

    def test_a_gap_that_remains(self):
        gap = 2 * presets.MARGIN
        self.assertEqual(_verdicts({"alone": 0.05 + gap})[1], "fails")
        self.assertEqual(_verdicts({"alone": 0.05 + gap / 4})[1], "holds")

    def test_updates_at_the_high_rate_that_do_not_help(self):
        self.assertEqual(
            _verdicts({}, lambda factor: 0.05 + 0.002 * factor)[2], "fails"
        )

    def test_an_improvement_that_is_seen_before_the_drop(self):
        def before(factor):
            return 0.2 - 0.003 * np.log2(factor)

        *_, helps, unseen = made_up.judged(_NAME, _results(before=before))
        self.assertEqual([helps.verdict, unseen.verdict], ["holds", "fails"])
        self.assertAlmostEqual(unseen.measured, 1, delta=0.05)

    def test_nothing_to_be_seen(self):
        verdicts = _verdicts({}, lambda factor: 0.05)
        self.assertNotIn("holds", verdicts[2:])

    def test_numbers(self):
        adapted, alone, *slopes = made_up.judged(_NAME, _results())
        self.assertAlmostEqual(adapted.measured, 0.045 - 0.08, places=3)
        self.assertAlmostEqual(alone.measured, 0, places=3)
        self.assertAlmostEqual(slopes[0].measured, -0.003, places=3)
        self.assertAlmostEqual(slopes[1].measured, 0, delta=0.05)


class FigureTest(absltest.TestCase):
    def test_curves_differences_and_longer_phases(self):
        results = _results()
        found = longer_training.analyse(results)
        left, middle, right = made_up.figure(_NAME, results).axes
        lines = {line.get_label(): line for line in left.lines}
        for label, curves in {
            "B = 25": found.small,
            "500, equal epochs": found.unadapted,
            "500, equal updates": found.updates_alone,
            "500, all adapted": found.adapted,
        }.items():
            np.testing.assert_allclose(
                lines[label].get_ydata(), curves.errors.mean(axis=1)
            )
            self.assertEqual(lines[label].get_xdata()[-1], curves.num_steps)
        expected = np.array(
            [_PAPER[s] - 0.05 for s in ("unadapted", "alone", "adapted")]
        )
        dots = [line.get_ydata() for line in middle.lines if line.get_alpha()]
        np.testing.assert_allclose(np.mean(dots, axis=1), expected, atol=1e-3)
        before, final = (container.lines[0] for container in right.containers)
        np.testing.assert_array_equal(final.get_xdata(), _FACTORS)
        np.testing.assert_allclose(
            final.get_ydata().astype(float), found.final_by_factor().mean(axis=1)
        )
        np.testing.assert_allclose(
            before.get_ydata().astype(float), found.before_drop().mean(axis=1)
        )

    def test_without_longer_phases(self):
        runs = made_up.runs(_NAME, "paper", 2)
        results = error_outcomes.results(runs, lambda run: 0.1)
        found = longer_training.analyse(results)
        self.assertIsNone(found.updates_alone)
        self.assertLen(longer_training.judge(found), 1)
        self.assertLen(made_up.figure(_NAME, results).axes, 2)


if __name__ == "__main__":
    absltest.main()
