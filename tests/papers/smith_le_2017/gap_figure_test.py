import numpy as np
from absl.testing import absltest

from tests.reports import recorded
from tests.studies import made_up

LABELS = {"small batch, B = 32": 32, "full batch, B = N = 1000": 1000}


def expected_curve(results, batch_size, metric, l2):
    runs = results.runs
    keys = runs[(runs["batch_size"] == batch_size) & np.isclose(runs["l2"] * 1000, l2)]
    rows = results.curves[results.curves["key"].isin(keys["key"])]
    rows = rows[rows["step"] > 0]
    if metric == "test_accuracy":
        return rows.groupby("step")[metric].mean()
    return np.exp(np.log(rows[metric]).groupby(rows["step"]).mean())


class GapTest(absltest.TestCase):
    def assert_curves(self, drawn, results, l2):
        metrics = ("test_accuracy", "test_cross_entropy")
        for axes, metric in zip(drawn.axes, metrics, strict=True):
            lines = {entry.get_label(): entry for entry in axes.lines}
            for label, batch_size in LABELS.items():
                expected = expected_curve(results, batch_size, metric, l2)
                np.testing.assert_array_equal(lines[label].get_xdata(), expected.index)
                np.testing.assert_allclose(lines[label].get_ydata(), expected)

    def test_figure3_lines_are_means_over_seeds(self):
        results = recorded.results("smith_le_2017/fig3")
        drawn = made_up.figure("smith_le_2017/fig3", results)
        self.assert_curves(drawn, results, 0)
        self.assertEqual(drawn.axes[1].get_yscale(), "log")

    def test_figure8_is_regularised_with_the_plain_means_dashed(self):
        results = recorded.results("smith_le_2017/fig8")
        drawn = made_up.figure("smith_le_2017/fig8", results)
        self.assert_curves(drawn, results, 0.1)
        metrics = ("test_accuracy", "test_cross_entropy")
        for axes, metric in zip(drawn.axes, metrics, strict=True):
            dashed = [entry for entry in axes.lines if entry.get_linestyle() == "--"]
            for entry, batch_size in zip(dashed, LABELS.values(), strict=False):
                expected = expected_curve(results, batch_size, metric, 0)
                np.testing.assert_allclose(entry.get_ydata(), expected)
            self.assertLen(dashed, 3)  # one a batch size, and the legend's


if __name__ == "__main__":
    absltest.main()
