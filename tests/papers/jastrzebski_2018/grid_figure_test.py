"""Tests of the drawing of figure 3."""

import numpy as np
from absl.testing import absltest

from bsgen.papers.jastrzebski_2018 import grid, grid_figure, grid_slopes
from tests.reports import recorded
from tests.studies import made_up

_NAME = "jastrzebski_2018/fig3"
_RATIO, _LOSS = "ratio", "final_train_cross_entropy"
_PANELS = (
    (_RATIO, "final_max_eigenvalue", False),
    (_RATIO, "final_hessian_frobenius_norm", False),
    (_RATIO, "final_test_accuracy", False),
    (_LOSS, "final_max_eigenvalue", False),
    (_RATIO, "final_hessian_trace", True),
)


class GridTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.results = recorded.results(_NAME)

    def test_panels_with_every_run(self):
        drawn = made_up.figure(_NAME, self.results)
        runs = self.results.runs
        runs = runs.assign(ratio=runs["learning_rate"] / runs["batch_size"])
        for axes, (across, column, by_loss) in zip(drawn.axes, _PANELS, strict=False):
            shown = [
                point
                for line in axes.lines
                if line.get_alpha() is not None
                for point in zip(*line.get_data(), strict=True)
            ]
            rows = runs[runs["stop_train_loss"].notna() == by_loss]
            expected = rows[[across, column]].to_numpy(float)
            self.assertLen(shown, len(expected))
            np.testing.assert_allclose(
                sorted(shown), sorted(map(tuple, expected)), 1e-3
            )
            lowest, highest = axes.get_ylim()
            self.assertLess(lowest, expected[:, 1].min())
            self.assertGreater(highest, expected[:, 1].max())
        labels = [text.get_text() for text in drawn.axes[0].get_legend().texts]
        self.assertEqual(labels, ["16", "40", "100", "250"])

    def test_directions_beside_the_rules(self):
        found = grid.analyse(self.results)
        axes = made_up.figure(_NAME, self.results).axes[5]
        rules = [line.get_xdata()[0] for line in axes.lines if line.get_ls() == "--"]
        self.assertEqual(rules, [*grid_slopes.RULES.values()])
        points = [line for line in axes.lines if line.get_marker() == "o"]
        slopes = [*found.slopes.values(), *found.slopes_at_equal_loss.values()]
        names = [*found.slopes, *found.slopes_at_equal_loss]
        labels = {
            place: label.get_text()
            for place, label in zip(
                axes.get_yticks(), axes.get_yticklabels(), strict=True
            )
        }
        for point, of_seeds, name in zip(points, slopes, names, strict=True):
            ((angle,), (place,)) = point.get_data()
            self.assertAlmostEqual(angle, of_seeds.angle.interval().value)
            self.assertEqual(labels[place], name)

    def test_the_table_has_both_slopes(self):
        table = grid_figure.show(grid.analyse(self.results)).table
        self.assertLen(table, 7)
        # Widths are made as 1 / ratio.
        for name, expected in (("slope on log eta", -1), ("slope on log S", 1)):
            value = float(table[name][0].split()[0])
            self.assertAlmostEqual(value, expected, delta=0.15)


if __name__ == "__main__":
    absltest.main()
