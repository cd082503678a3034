"""Tests of the drawing of figure 4."""

import numpy as np
from absl.testing import absltest

from bsgen.studies import optimum, tables
from tests.papers.smith_le_2017 import made_up_sweeps
from tests.reports import recorded
from tests.studies import made_up


class BestBatchSizeFigureTest(absltest.TestCase):
    def draw(self):
        results = recorded.results(made_up_sweeps.FIGURE4)
        return results.runs, made_up.figure(made_up_sweeps.FIGURE4, results)

    def test_points_are_means_and_the_best_is_marked(self):
        runs, drawn = self.draw()
        axes = drawn.axes[1]
        means = made_up_sweeps.mean_accuracies(runs)
        points = axes.containers[0].lines[0]
        np.testing.assert_array_equal(points.get_xdata(), means.index)
        np.testing.assert_allclose(points.get_ydata(orig=False), means)
        marked = [e for e in axes.lines if str(e.get_label()).startswith("$B_{opt}$")]
        table = tables.accuracies(runs, chance=0.1)
        expected = np.exp(optimum.find(table).place.logs.mean())
        self.assertAlmostEqual(marked[0].get_xdata()[0], expected)
        self.assertBetween(expected, 23, 45)
        self.assertEqual(means.idxmax(), 32)
        (cross,) = [
            e for e in axes.lines if e.get_marker() == "x" and len(e.get_xdata())
        ]
        np.testing.assert_array_equal(cross.get_xdata(), [1])

    def test_has_a_curve_for_each_batch_size(self):
        runs, drawn = self.draw()
        self.assertLen(drawn.axes[0].lines, runs["batch_size"].nunique())


if __name__ == "__main__":
    absltest.main()
