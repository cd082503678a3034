import numpy as np
from absl.testing import absltest

from bsgen.papers.smith_le_2017 import evidence
from tests.reports import recorded
from tests.studies import made_up


def line(axes, label):
    (found,) = [entry for entry in axes.lines if entry.get_label() == label]
    return found


class EvidenceTest(absltest.TestCase):
    def test_figure1_lines_are_the_means(self):
        results = recorded.results("smith_le_2017/fig1")
        drawn = made_up.figure("smith_le_2017/fig1", results)
        tasks = ("gaussian_random", "gaussian_informative")
        for axes, task in zip(drawn.axes, tasks, strict=True):
            self.assertEqual(axes.get_xscale(), "log")
            for part, label in (("train", "training set"), ("test", "test set")):
                rows = results.runs[results.runs["dataset"] == task]
                means = rows.groupby("l2")[f"final_{part}_accuracy"].mean()
                found = line(axes, label)
                # lambda counts for the sum over the 200 examples.
                np.testing.assert_allclose(found.get_xdata(), means.index * 200)
                np.testing.assert_allclose(found.get_ydata(), means)

    def test_figure2_marks_both_minima_through_both_panels(self):
        results = recorded.results("smith_le_2017/fig2")
        drawn = made_up.figure("smith_le_2017/fig2", results)
        for column, task in enumerate(evidence.analyse(results)):
            above, below = drawn.axes[column], drawn.axes[2 + column]
            expected = []
            for axes, metric in (
                (above, "test_cross_entropy"),
                (below, "log_evidence_ratio"),
            ):
                table = getattr(task, metric).mean(axis=1)
                (dot,) = [entry for entry in axes.lines if entry.get_marker() == "o"]
                place = float(dot.get_xdata()[0]), float(dot.get_ydata()[0])
                np.testing.assert_allclose(place, (table.idxmin(), table.min()))
                expected.append(table.idxmin())
            for axes in (above, below):
                dotted = [
                    e.get_xdata()[0] for e in axes.lines if e.get_linestyle() == ":"
                ]
                np.testing.assert_allclose(sorted(dotted), sorted(expected))
            np.testing.assert_allclose(
                line(above, "ln 2, a guess").get_ydata(), np.log(2)
            )


if __name__ == "__main__":
    absltest.main()
