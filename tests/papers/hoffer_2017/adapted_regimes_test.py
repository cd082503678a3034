"""Tests of figure 3: its runs, its claims and what is drawn."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.papers.hoffer_2017 import adapted_regimes, presets
from tests.papers.hoffer_2017 import error_outcomes
from tests.studies import made_up

_NAME = "hoffer_2017/fig3"
_SMALL = presets.QUICK.small_batch_size
_LARGE = [size for size in presets.BATCH_SIZES["quick"] if size > _SMALL]
_DROP = 0.5  # of the quick regime


def _results(ends, before=0.2, slope=0.0, drop=0.1, num_seeds=5):
    """Errors that are level, or fall by `slope` a regime, and fall at the drop.

    Args:
      ends: final error by batch size.
      before: the error at the drop, of all but the small batch, whose is 0.2.
      slope: in both phases.
      drop: how far the error falls across it.
      num_seeds: repeats.
    """

    def curve(run, share):
        level = 0.2 if run.batch_size == _SMALL else before
        after = np.where(share > _DROP, drop, 0)
        return level - after - slope * (share - _DROP) + error_outcomes.of_seed(run)

    return error_outcomes.results(
        made_up.runs(_NAME, "quick", num_seeds),
        lambda run: ends[run.batch_size] + error_outcomes.of_seed(run),
        curve=curve,
    )


def _ends(large, **others):
    return {_SMALL: 0.05, **dict.fromkeys(_LARGE, large)}


def _verdicts(*arguments, **more):
    return made_up.verdicts(made_up.judged(_NAME, _results(*arguments, **more)))


class RunsTest(parameterized.TestCase):
    @parameterized.parameters(*presets.FIGURES)
    def test_all_take_as_many_updates(self, scale):
        regime = presets.FIGURES[scale]
        runs = made_up.runs(_NAME, scale, 1)
        small, *large = runs
        self.assertEqual(small.batch_size, regime.small_batch_size)
        for run in large:
            self.assertGreater(run.batch_size, regime.small_batch_size)
            self.assertEqual(run.evaluation_steps, small.evaluation_steps)
            self.assertEqual(run.model.ghost_batch_size, regime.ghost_batch_size)
            ratio = run.batch_size / large[0].batch_size
            grown = run.sgd.learning_rate / large[0].sgd.learning_rate
            self.assertAlmostEqual(grown, np.sqrt(ratio))
        self.assertEqual(large[-1].batch_size, max(presets.BATCH_SIZES[scale]))


class ClaimsTest(parameterized.TestCase):
    def test_as_in_the_paper(self):
        self.assertEqual(_verdicts(_ends(0.05)), ["holds"] * 3)

    def test_large_batches_that_end_better(self):
        self.assertEqual(_verdicts(_ends(0.02), before=0.15), ["holds"] * 3)

    def test_one_batch_size_that_ends_worse_is_enough(self):
        ends = _ends(0.05) | {_LARGE[1]: 0.05 + 2 * presets.MARGIN}
        self.assertEqual(_verdicts(ends)[0], "fails")
        worst, *_ = made_up.judged(_NAME, _results(ends))
        self.assertAlmostEqual(worst.measured, 2 * presets.MARGIN, places=3)

    def test_a_gap_within_the_margin(self):
        self.assertEqual(_verdicts(_ends(0.05 + 0.5 * presets.MARGIN))[0], "holds")

    def test_curves_that_lag_behind(self):
        self.assertEqual(_verdicts(_ends(0.05), before=0.5)[1], "fails")

    def test_a_steady_decrease_is_no_sharp_one(self):
        verdicts = _verdicts(_ends(0.05), slope=0.2, drop=0.0)
        self.assertNotEqual(verdicts[2], "holds")

    def test_a_decrease_that_slows_at_the_drop(self):
        self.assertEqual(_verdicts(_ends(0.05), slope=0.2, drop=-0.1)[2], "fails")

    def test_numbers(self):
        _, ratio, fall = made_up.judged(_NAME, _results(_ends(0.05), before=0.3))
        # Half of the parts end before or at the drop, the last one at 0.05.
        parts = np.array([0.3 / 0.2] * 10 + [0.2 / 0.1] * 9 + [1])
        self.assertAlmostEqual(ratio.measured, np.exp(np.log(parts).mean()), delta=0.03)
        self.assertAlmostEqual(fall.measured, 0.1, places=3)

    def test_the_extra_fall_is_that_across_the_drop(self):
        results = _results(_ends(0.05), slope=0.3, drop=0.1)
        found = adapted_regimes.analyse(results).extra_falls()
        np.testing.assert_allclose(found, 0.1, atol=1e-3)


class FigureTest(absltest.TestCase):
    def test_curves_and_differences(self):
        results = _results(_ends(0.04))
        found = adapted_regimes.analyse(results)
        left, middle, right = made_up.figure(_NAME, results).axes
        lines = {line.get_label(): line for line in left.lines}
        curves = {f"small batch, {_SMALL}": found.small}
        curves |= {str(size): each for size, each in found.large.items()}
        for label, each in curves.items():
            np.testing.assert_allclose(
                lines[label].get_ydata(), each.errors.mean(axis=1)
            )
            self.assertAlmostEqual(lines[label].get_xdata()[-1], 1)
        for axes, table in (
            (middle, found.differences()),
            (right, found.extra_falls()),
        ):
            dots = [line.get_ydata() for line in axes.lines if line.get_alpha()]
            np.testing.assert_allclose(dots, table)


if __name__ == "__main__":
    absltest.main()
