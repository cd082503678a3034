"""Tests of error curves, of where they drop, and of what is drawn of them."""

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized
from matplotlib import figure

from bsgen.papers.hoffer_2017 import (
    error_curves,
    error_curves_figure,
    presets,
    regimes,
)
from tests.papers.hoffer_2017 import error_outcomes

_REGIME = presets.QUICK


def _curves(stage, num_seeds=3, **outcome):
    runs = [_REGIME.run(stage, seed) for seed in reversed(range(num_seeds))]
    outcome = {"final_error": lambda run: 0.1 + 0.01 * run.seed, "noise": 0, **outcome}
    results = error_outcomes.results(runs, **outcome)
    return runs, error_curves.of(results, results.runs)


class CurvesTest(parameterized.TestCase):
    @parameterized.parameters(regimes.LB, regimes.RA)
    def test_errors_by_step_and_seed(self, stage):
        runs, found = _curves(stage)
        steps = runs[0].evaluation_steps[1:]
        self.assertEqual(found.errors.index.tolist(), list(steps))
        self.assertEqual(found.errors.columns.tolist(), [0, 1, 2])
        for seed in range(3):
            last = 0.1 + 0.01 * seed
            expected = 0.9 + (last - 0.9) * np.array(steps) / runs[0].num_steps
            np.testing.assert_allclose(found.errors[seed], expected)
        np.testing.assert_allclose(found.final_error(), [0.1, 0.11, 0.12])
        np.testing.assert_allclose(found.final_error("train"), 0)
        self.assertEqual(found.batch_size, _REGIME.large_batch_size)
        epochs = runs[0].num_steps * found.batch_size / runs[0].data.train_size
        self.assertAlmostEqual(found.num_epochs, epochs)

    def test_drops_of_the_rate(self):
        for stage in (regimes.SB, regimes.GBN, regimes.RA):
            runs, found = _curves(stage)
            boundaries = np.array(runs[0].sgd.schedule.boundaries)
            per_epoch = runs[0].data.train_size / runs[0].batch_size
            np.testing.assert_allclose(found.drops, boundaries * per_epoch, atol=1)

    def test_a_run_without_schedule_has_no_drops(self):
        row = pd.Series({"num_steps": 7, "schedule": np.nan})
        self.assertEqual(regimes.drop_steps(row), [])

    def test_a_diverged_run_guesses(self):
        _, found = _curves(
            regimes.SB, final_error=lambda run: None if run.seed == 1 else 0.1
        )
        np.testing.assert_allclose(found.final_error(), [0.1, 0.9, 0.1])
        self.assertTrue((found.errors[1] == 0.9).all())

    def test_errors_at_shares_are_those_of_the_nearest_evaluations(self):
        runs, found = _curves(regimes.RA)
        parts = np.arange(1, 21) / 20
        table = found.at_share(parts)
        np.testing.assert_allclose(table.index, parts)
        steps = np.round(parts * runs[0].num_steps).astype(int)
        np.testing.assert_allclose(table, found.errors.loc[steps])


class FigureTest(parameterized.TestCase):
    @parameterized.parameters("steps", "epochs", "share")
    def test_means_and_drops(self, place):
        _, found = _curves(regimes.GBN)
        axes = figure.Figure().subplots()
        error_curves_figure.draw(axes, found, "black", "label", place)
        error_curves_figure.mark_drops(axes, found, place)
        error_curves_figure.error_axis(axes, [found], place)
        mean, *drops = axes.lines
        last = {"steps": found.num_steps, "epochs": found.num_epochs, "share": 1}[place]
        self.assertAlmostEqual(mean.get_xdata()[-1], last)
        np.testing.assert_allclose(mean.get_ydata(), found.errors.mean(axis=1))
        at = [line.get_xdata()[0] for line in drops]
        expected = np.array(found.drops) * last / found.num_steps
        np.testing.assert_allclose(at, expected)

    def test_colors_rise_with_the_batch_size(self):
        found = error_curves_figure.batch_size_colors([500, 10, 25])
        self.assertEqual(list(found), [10, 25, 500])
        lightness = [np.dot(color[:3], (0.3, 0.6, 0.1)) for color in found.values()]
        self.assertEqual(lightness, sorted(lightness))


if __name__ == "__main__":
    absltest.main()
