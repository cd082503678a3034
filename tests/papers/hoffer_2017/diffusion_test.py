"""Tests of figures 2 and 7 on made-up curves of weight distance."""

from unittest import mock

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import papers
from bsgen.papers.hoffer_2017 import diffusion, distance_growth, presets, regimes
from bsgen.studies import claims, study
from tests.studies import made_up

_SMALL = presets.QUICK.small_batch_size
_SIZES = (10, _SMALL, 125, 500)  # fewer than the study has
_HOLD, _FAIL = claims.HOLDS, claims.FAILS


def _results(stage, distance, num_seeds=3, is_lost=lambda run: False):
    """Runs at quick scale whose distances are `distance(run, steps)`, and a little."""

    def outcome(run, generator):
        if is_lost(run):
            return None
        steps = np.array(run.evaluation_steps, float)
        walk = np.cumsum(generator.normal(0, 0.01, len(steps)))
        moved = np.where(steps < 1, 0, distance(run, np.maximum(steps, 1)) + walk)
        curve = {"step": steps.astype(int).tolist()}
        curve |= {"weight_distance": moved.tolist()}
        curve |= {"first_kernel_distance": (moved / 2).tolist()}
        return curve, {"test_accuracy": 0.9}

    with mock.patch.dict(presets.BATCH_SIZES, quick=_SIZES):
        runs = diffusion.runs(stage, "quick", num_seeds)
    return made_up.results(runs, outcome)


def _is_adapted(run):
    return run.sgd.clip_norm is not None


def _slope(run, power):
    """A slope that peaks at the small batch and falls as a power of B, or is one."""
    if _is_adapted(run):
        return 3.0
    return 2.0 if run.batch_size < _SMALL else 3.0 * (_SMALL / run.batch_size) ** power


class ClaimsTest(parameterized.TestCase):
    def assert_verdicts(self, name, results, expected):
        judged = made_up.judged(name, results)
        verdicts = [claim.verdict for claim in judged]
        self.assertEqual(verdicts, expected, [claim.claim for claim in judged])
        return judged

    def test_figure_2_as_the_paper_has_it(self):
        def distance(run, steps):
            return 4.0 + _slope(run, 0.3) * np.log(steps)

        results = _results(regimes.RA, distance)
        judged = self.assert_verdicts("hoffer_2017/fig2", results, [_HOLD] * 14)
        self.assertIn("R^2 of log t", judged[0].note)
        self.assertIn("the first kernel alone: -0.3", judged[9].note)

    def test_figure_2_of_free_diffusion_at_one_rate(self):
        def distance(run, steps):
            return 1.0 + 0.7 * np.sqrt(steps)

        results = _results(regimes.RA, distance)
        judged = made_up.judged("hoffer_2017/fig2", results)
        verdicts = [claim.verdict for claim in judged]
        # sqrt t is worse than log t, not logarithmic, and alpha below 2.
        self.assertEqual([verdicts[k] for k in (1, 2, 3, 5, 6, 7)], [_FAIL] * 6)
        np.testing.assert_allclose(judged[2].measured, 0.5, atol=0.05)

    def test_figure_2_where_adaptation_does_harm(self):
        def distance(run, steps):
            slope = 3.0 * (_SMALL / run.batch_size) ** (0.3 * _is_adapted(run))
            return 4.0 + slope * np.log(steps)

        judged = made_up.judged("hoffer_2017/fig2", _results(regimes.RA, distance))
        verdicts = [claim.verdict for claim in judged[8:]]
        # Its slope is no peak; fewer updates alone make the last one but one true.
        self.assertEqual(verdicts[1:4], [_FAIL] * 3)
        self.assertEqual(verdicts[-1], _FAIL)

    def test_figure_7_as_the_paper_has_it(self):
        def distance(run, steps):
            shift = 0.3 * np.log(run.batch_size / _SMALL) * _is_adapted(run)
            return 4.0 + shift + _slope(run, 0.3) * np.log(steps)

        results = _results(regimes.GBN, distance)
        self.assert_verdicts("hoffer_2017/fig7", results, [_HOLD] * 9)

    def test_slopes_that_were_alike_before(self):
        def distance(run, steps):
            return 4.0 + 3.0 * np.log(steps)

        judged = made_up.judged("hoffer_2017/fig7", _results(regimes.GBN, distance))
        for claim in judged[4:6]:
            self.assertEqual(claim.verdict, claims.UNDECIDED)
            self.assertEqual(claim.reason, "without adaptation they pass it as well")

    def test_figure_7_where_nothing_is_matched(self):
        def distance(run, steps):
            return 4.0 + 3.0 * (_SMALL / run.batch_size) ** 0.3 * np.log(steps)

        judged = made_up.judged("hoffer_2017/fig7", _results(regimes.GBN, distance))
        verdicts = [claim.verdict for claim in judged[4:]]
        self.assertEqual(verdicts[:2] + verdicts[3:], [_FAIL, _FAIL, _FAIL, _HOLD])
        self.assertNotEqual(verdicts[2], _HOLD)


class GrowthTest(parameterized.TestCase):
    def test_fits_of_the_initial_phase_after_inertia(self):
        def distance(run, steps):
            drop = 40 * run.data.train_size / run.batch_size
            before, after = steps < 10, steps > drop + 0.5
            return 4.0 + 3.0 * np.log(steps) - 3.0 * before + 50.0 * after

        results = _results(regimes.RA, distance, num_seeds=1)
        growth = distance_growth.of(results, regimes.RA)
        # After adaptation the rate drops later.
        slopes = growth.by_size("slope", False)
        self.assertEqual(list(slopes), list(_SIZES))
        np.testing.assert_allclose(slopes, 3.0, atol=0.3)
        expected = 4.0 + 3.0 * np.log(40_000 / slopes.columns.to_numpy())
        final = growth.by_size("final", False).to_numpy()[0]
        np.testing.assert_allclose(final, expected, atol=1.0)
        # Without a gradient, each step of heavy-ball descent in the long run.
        sgd = presets.QUICK.task.optimizer
        left = (1 - sgd.learning_rate * sgd.l2 / (1 - sgd.momentum)) ** 1600
        undecayed = growth.by_size("undecayed", False)[_SMALL]
        np.testing.assert_allclose(undecayed, left, rtol=1e-3)
        kernel = growth.by_size("slope", False, distance_growth.KERNEL)
        np.testing.assert_allclose(kernel, slopes / 2, rtol=1e-6)

    def test_a_setting_with_a_diverged_run_is_left_out(self):
        results = _results(
            regimes.GBN,
            lambda run, steps: 3 * np.log(steps) + 4,
            is_lost=lambda run: run.batch_size == 125 and run.seed == 1,
        )
        growth = distance_growth.of(results, regimes.GBN)
        self.assertEqual(growth.diverged, ["+GBN, B = 125", "LB, B = 125"])
        self.assertNotIn(125, growth.by_size("final", False))
        judged = made_up.judged("hoffer_2017/fig7", results)
        self.assertIn("as a run diverged: +GBN, B = 125", judged[0].note)

    def test_too_few_steps_have_no_fit(self):
        found = _results(regimes.GBN, lambda run, steps: 3 * np.log(steps) + 4)
        short = found.curves[found.curves["step"] <= 20]
        results = study.Results(found.runs, short)
        judged = made_up.judged("hoffer_2017/fig7", results)
        self.assertEqual(judged[0].verdict, claims.UNDECIDED)
        self.assertEqual(judged[0].reason, "nothing to measure")
        self.assertIn("too few steps", judged[0].note)
        made_up.figure("hoffer_2017/fig7", results)


class FigureTest(parameterized.TestCase):
    @parameterized.parameters(("fig2", regimes.RA, 4), ("fig7", regimes.GBN, 2))
    def test_lines_are_the_fits(self, name, stage, num_panels):
        results = _results(stage, lambda run, steps: 3 * np.log(steps) + 4, 2)
        drawn = made_up.figure(f"hoffer_2017/{name}", results)
        self.assertLen(drawn.axes, num_panels)
        for axes, scale in ((drawn.axes[0], 1), (drawn.axes[-1], 0.5)):
            fits = [line for line in axes.lines if line.get_linestyle() == "--"]
            for line in fits:
                steps, distances = line.get_data()
                self.assertEqual(steps[0], steps.min())
                slope = np.diff(distances) / np.diff(np.log(steps))
                np.testing.assert_allclose(slope, 3 * scale, atol=0.3)

    def test_table(self):
        results = _results(regimes.RA, lambda run, steps: 3 * np.log(steps) + 4, 2)
        (found,) = papers.find("hoffer_2017/fig2")
        table = found.show(found.analyse(results)).table
        self.assertEqual(table["B"].tolist(), 2 * [*_SIZES, *_SIZES[1:]])
        self.assertEqual(table["weights"].iloc[0], "all")
        self.assertEqual(table["adapted"].iloc[0], "no")
        np.testing.assert_allclose(table["slope"].iloc[:4], 3, atol=0.3)

    def test_parts_are_shown(self):
        found = _results(regimes.RA, lambda run, steps: 3 * np.log(steps) + 4, 2)
        for kept in ([10], [10, _SMALL], [125]):
            runs = found.runs[found.runs["batch_size"].isin(kept)]
            curves = found.curves[found.curves["key"].isin(runs["key"])]
            made_up.figure("hoffer_2017/fig2", study.Results(runs, curves))


class RunsTest(parameterized.TestCase):
    @parameterized.parameters(*presets.FIGURES)
    def test_batch_sizes(self, scale):
        regime = presets.FIGURES[scale]
        runs = diffusion.runs(regimes.RA, scale, 1)
        sizes = list(presets.BATCH_SIZES[scale])
        self.assertEqual([run.batch_size for run in runs[: len(sizes)]], sizes)
        larger = [size for size in sizes if size > regime.small_batch_size]
        adapted = runs[len(sizes) :]
        self.assertEqual([run.batch_size for run in adapted], larger)
        small = regime.run(regimes.SB, 0)
        self.assertEqual({run.num_steps for run in adapted}, {small.num_steps})
        self.assertTrue(all(run.weight_distance for run in runs))


if __name__ == "__main__":
    absltest.main()
