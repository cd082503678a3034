import numpy as np
import pandas as pd
from absl.testing import absltest

from bsgen import papers
from bsgen.figures import style
from bsgen.studies import study
from tests.papers.smith_le_2017 import made_up_search
from tests.reports import recorded
from tests.studies import made_up

_NAME = "smith_le_2017/appendix_d"
_LOOKS = {
    "phase 1": (style.BLUE, "o"),
    "phase 2": (style.VERMILLION, "D"),
    "phase 3": (style.GREEN, "s"),
}


def _results(*searches):
    rows = [
        {"key": str(seed), "seed": seed, "seconds": 1.0, **row}
        for seed, search in enumerate(searches)
        for row in search
    ]
    return study.Results(pd.DataFrame(), pd.DataFrame(), pd.DataFrame(rows))


def _points(axes, color, mark):
    """All points of one colour and mark; the legend has none."""
    lines = [
        line
        for line in axes.lines
        if line.get_color() == color and line.get_marker() == mark
    ]
    return sorted(point for line in lines for point in line.get_xydata().tolist())


def _search(size, before, after):
    """The tests of a search from 32 to `size`."""
    chosen = {**made_up_search.START, "batch_size": size, "num_steps": 32_000 // size}
    return [
        *made_up_search.tests("start", made_up_search.START, before),
        *made_up_search.tests("chosen", chosen, after),
    ]


class AppendixDTest(absltest.TestCase):
    def test_each_phase_of_each_search(self):
        results = recorded.results(_NAME)
        axes = made_up.figure(_NAME, results).axes[0]
        rows = results.measurements
        for stage, look in _LOOKS.items():
            shown = rows[(rows["stage"] == stage) & (rows["status"] == "completed")]
            expected = shown[["batch_size", "validation_accuracy"]].to_numpy()
            np.testing.assert_array_equal(
                _points(axes, *look), sorted(expected.tolist())
            )
        lost = rows[rows["status"] == "untrained"]["batch_size"]
        crosses = [x for x, _ in _points(axes, style.BLUE, "x")]
        self.assertEqual(crosses, sorted(lost))

    def test_the_rings_are_at_the_recommended_settings(self):
        results = recorded.results(_NAME)
        axes = made_up.figure(_NAME, results).axes[0]
        rows = results.measurements
        larger = rows[(rows["stage"] == "phase 2") & (rows["batch_size"] == 160)]
        expected = larger[["batch_size", "validation_accuracy"]].to_numpy().tolist()
        self.assertEqual(_points(axes, "k", "o"), sorted(expected))

    def test_gains_of_searches_that_moved_have_paired_intervals(self):
        searches = [
            _search(160, [0.90, 0.92, 0.94], [0.91, 0.94, 0.97]),
            _search(160, [0.90, 0.92, 0.94], [0.95, 0.95, None]),
        ]
        axes = made_up.figure(_NAME, _results(*searches)).axes[1]
        (container,) = axes.containers
        line, _, (bars,) = container
        # A diverged test is a guess; searches of one ratio are moved apart.
        heights = line.get_ydata().astype(float)
        np.testing.assert_allclose(heights, [0.02, (0.95 + 0.95 + 0.1) / 3 - 0.92])
        first, last = line.get_xdata()
        self.assertAlmostEqual(first, 0.2)
        self.assertBetween(last / first, 1.01, 1.03)
        # Gains of 0.01, 0.02, 0.03, and Student's t quantile for 3: 4.3027.
        half = 4.302653 * 0.01 / np.sqrt(3)
        ends = bars.get_segments()[0][:, 1]
        np.testing.assert_allclose(ends, [0.02 - half, 0.02 + half], atol=1e-7)

    def test_searches_that_stay_are_one_dot(self):
        stays = _search(32, [0.9, 0.91], [0.9, 0.91])
        moves = _search(40, [0.9, 0.91], [0.91, 0.93])
        other = _search(16, [0.9, 0.91], [0.91, 0.93])
        results = _results(stays, moves, stays, other, stays)
        axes = made_up.figure(_NAME, results).axes[1]
        self.assertEqual(_points(axes, style.GREY, "o"), [[1, 0]])
        texts = [text.get_text() for text in axes.get_legend().texts]
        self.assertIn("phase 1's best itself: 3 of 5 searches", texts)
        self.assertLen(axes.containers, 1)
        lowest, highest = axes.get_xlim()
        self.assertLessEqual(lowest, 0.5)
        self.assertGreaterEqual(highest, 2)

    def test_where_searches_ended_is_listed(self):
        (found,) = papers.find(_NAME)
        results = _results(_search(32, [0.9, 0.91], [0.9, 0.91]))
        table = found.show(found.analyse(results)).table
        self.assertEqual(table["recommended"].tolist(), ["phase 1's best"])

    def test_a_search_without_an_end_has_its_path_only(self):
        search = [
            made_up_search.trial(1, made_up_search.START, 0.9, "rejected"),
            made_up_search.trial(1, made_up_search.TOO_SMALL, 0.1, "rejected"),
        ]
        axes = made_up.figure(_NAME, _results(search)).axes
        self.assertLen(_points(axes[0], *_LOOKS["phase 1"]), 2)
        self.assertEmpty(axes[1].containers)

    def test_where_nothing_trained(self):
        setting = made_up_search.TOO_SMALL
        search = [made_up_search.trial(1, setting, 0.1, "rejected", "untrained")]
        axes = made_up.figure(_NAME, _results(search)).axes
        self.assertEqual(_points(axes[0], style.BLUE, "x"), [[8, 0.03]])


if __name__ == "__main__":
    absltest.main()
