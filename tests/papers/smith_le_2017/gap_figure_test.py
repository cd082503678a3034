import numpy as np
from absl.testing import absltest

from bsgen.papers.smith_le_2017 import gap
from tests.reports import recorded
from tests.studies import made_up

FINAL = "final_test_accuracy"
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

    def test_marks_when_each_share_of_the_final_accuracy_is_reached(self):
        results = recorded.results("smith_le_2017/fig3")
        drawn = made_up.figure("smith_le_2017/fig3", results)
        (found,) = gap.analyse(results).gaps
        marks = [e for e in drawn.axes[0].lines if e.get_marker() in ("o", "s", "D")]
        places = [e.get_xydata()[0] for e in marks if len(e.get_xdata())]
        expected = [
            (np.exp(np.log(steps).mean()), share * batches.values(FINAL).mean())
            for batches in found
            for share, steps in batches.converged.items()
        ]
        np.testing.assert_allclose(places, expected)
        words = [e.get_label() for e in marks if not len(e.get_xdata())]
        shares = ("95 %", "99 %", "99.9 %")
        self.assertEqual(words, [f"{share} of the final accuracy" for share in shares])


if __name__ == "__main__":
    absltest.main()
