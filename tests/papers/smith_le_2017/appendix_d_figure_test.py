import numpy as np
import pandas as pd
from absl.testing import absltest

from bsgen.figures import style
from bsgen.papers.smith_le_2017 import appendix_d_searches
from bsgen.studies import study
from tests.papers.smith_le_2017 import made_up_search
from tests.reports import recorded
from tests.studies import made_up

_NAME = "smith_le_2017/appendix_d"
_MARKS = {"phase 1": "o", "phase 2": "D", "phase 3": "s"}


def _results(*searches):
    rows = [
        {"key": str(seed), "seed": seed, "seconds": 1.0, **row}
        for seed, search in enumerate(searches)
        for row in search
    ]
    return study.Results(pd.DataFrame(), pd.DataFrame(), pd.DataFrame(rows))


def _points(axes, color, mark):
    """All points of one colour and mark; the legend's are grey."""
    lines = [
        line
        for line in axes.lines
        if line.get_color() == color and line.get_marker() == mark
    ]
    return sorted(point for line in lines for point in line.get_xydata().tolist())


class AppendixDTest(absltest.TestCase):
    def test_each_phase_of_each_search(self):
        results = recorded.results(_NAME)
        axes = made_up.figure(_NAME, results).axes[0]
        for seed, rows in results.measurements.groupby("seed"):
            color = style.sequential(seed / (recorded.NUM_SEEDS - 1))
            for stage, mark in _MARKS.items():
                shown = rows[(rows["stage"] == stage) & (rows["status"] == "completed")]
                expected = shown[["batch_size", "validation_accuracy"]].to_numpy()
                points = _points(axes, color, mark)
                np.testing.assert_array_equal(points, sorted(expected.tolist()))
            lost = rows[rows["status"] == "untrained"]["batch_size"]
            crosses = [x for x, _ in _points(axes, color, "x")]
            self.assertEqual(crosses, sorted(lost))

    def _ring(self, axes, color):
        (ring,) = [
            line
            for line in axes.lines
            if line.get_markerfacecolor() == "none"
            and line.get_markeredgecolor() == color
        ]
        (point,) = ring.get_xydata().tolist()
        return point

    def test_the_ring_is_at_the_recommended_setting(self):
        results = recorded.results(_NAME)
        axes = made_up.figure(_NAME, results).axes[0]
        rows = results.measurements
        larger = rows[(rows["stage"] == "phase 2") & (rows["batch_size"] == 160)]
        for seed, accuracy in zip(
            larger["seed"], larger["validation_accuracy"], strict=True
        ):
            color = style.sequential(seed / (recorded.NUM_SEEDS - 1))
            self.assertEqual(self._ring(axes, color), [160, accuracy])

    def test_both_settings_have_means_and_intervals(self):
        before, after = [0.90, 0.92, 0.94], [0.95, 0.95, None]
        search = [
            *made_up_search.tests("start", made_up_search.START, before),
            *made_up_search.tests("chosen", made_up_search.LARGER, after),
        ]
        axes = made_up.figure(_NAME, _results(search)).axes[1]
        (container,) = axes.containers
        line, _, (bars,) = container
        # Of one search all is moved alike; a diverged test is a guess.
        heights = line.get_ydata().astype(float)
        np.testing.assert_allclose(heights, [0.92, (0.95 + 0.95 + 0.1) / 3])
        first, last = line.get_xdata()
        self.assertAlmostEqual(first / last, 1000 / 200)
        self.assertBetween(first, 950, 1050)
        # Student's t quantile for 3: 4.3027.
        lower, upper = bars.get_segments()[0][:, 1]
        half = 4.302653 * 0.02 / np.sqrt(3)
        np.testing.assert_allclose([lower, upper], [0.92 - half, 0.92 + half])

    def test_searches_that_stay_are_at_one_place(self):
        tests = [
            made_up_search.tests(stage, made_up_search.START, [0.9, 0.91])
            for stage in appendix_d_searches.TESTED
        ]
        searches = [[*tests[0], *tests[1]]] * 3
        axes = made_up.figure(_NAME, _results(*searches)).axes[1]
        self.assertLen(axes.containers, 3)
        for container in axes.containers:
            np.testing.assert_allclose(
                container[0].get_xdata().astype(float), 1000, 0.1
            )
        self.assertEqual(axes.get_xlim()[0], 0)

    def test_a_search_without_an_end_has_its_path_only(self):
        search = [
            made_up_search.trial(1, made_up_search.START, 0.9, "rejected"),
            made_up_search.trial(1, made_up_search.TOO_SMALL, 0.1, "rejected"),
        ]
        axes = made_up.figure(_NAME, _results(search)).axes
        self.assertLen(_points(axes[0], style.sequential(0), "o"), 2)
        self.assertEmpty(axes[1].containers)

    def test_where_nothing_trained(self):
        setting = made_up_search.TOO_SMALL
        search = [made_up_search.trial(1, setting, 0.1, "rejected", "untrained")]
        axes = made_up.figure(_NAME, _results(search)).axes
        self.assertEqual(_points(axes[0], style.sequential(0), "x"), [[8, 0.03]])


if __name__ == "__main__":
    absltest.main()
