"""Tests of the drawings of figures 1, 2 and 5."""

import matplotlib as mpl
import numpy as np
from absl.testing import absltest

from bsgen.figures import style
from bsgen.papers.jastrzebski_2018 import breakdown, cycles, learning_curves, rescaling
from bsgen.papers.jastrzebski_2018 import learning_curves_figure as drawings
from tests.reports import recorded


def _labelled(axes):
    lines, labels = axes.get_legend_handles_labels()
    return dict(zip(labels, lines, strict=True))


class LearningCurvesTest(absltest.TestCase):
    def _draw(self, name, drawing):
        results = recorded.results(f"jastrzebski_2018/{name}")
        with mpl.rc_context(style.SETTINGS):
            return results, drawing(results)

    def _assert_mean(self, line, results, rows):
        table = learning_curves.of(results, rows)
        np.testing.assert_allclose(line.get_xdata(), table.index)
        np.testing.assert_allclose(line.get_ydata(), table.mean(axis=1))

    def test_figure1(self):
        results, drawn = self._draw("fig1", drawings.draw_figure1)
        found = cycles.settings(results.runs)
        cyclic, constant = map(_labelled, drawn.axes)
        for name in (cycles.CYCLIC_BATCH, cycles.CYCLIC_RATE):
            self._assert_mean(cyclic[name], results, found[name])
        ratios = [r"$\eta / S$ = 0.004 / 20", r"$\eta / S$ = 0.02 / 100"]
        self.assertEqual(list(constant), ratios)
        self._assert_mean(constant[ratios[1]], results, found[cycles.LARGE])

    def test_figure2(self):
        results, drawn = self._draw("fig2", drawings.draw_figure2)
        (found,) = rescaling.settings(results.runs).values()
        left, right = drawn.axes
        lines = _labelled(left)
        self.assertIn("sqrt: 0.0632 / 200", lines)
        self._assert_mean(lines["linear: 0.2 / 200"], results, found["linear"])
        curves = [
            learning_curves.of(results, found[n]) for n in ("none", "small batch")
        ]
        apart = learning_curves.distances(*curves)
        shown = [line.get_ydata() for line in right.lines if line.get_alpha()]
        np.testing.assert_allclose(shown[2], apart)

    def test_figure5(self):
        results, drawn = self._draw("fig5", drawings.draw_figure5)
        found = breakdown.by_size_and_beta(results.runs)
        for axes, (size, by_beta) in zip(drawn.axes, found.items(), strict=True):
            self.assertIn(f"{size:,}", axes.get_title("left"))
            lines = list(_labelled(axes).items())
            self.assertLen(lines, len(by_beta))
            for (label, line), (beta, rows) in zip(lines, by_beta.items(), strict=True):
                best = rows["best_test_accuracy"]
                self.assertStartsWith(label, f"{beta} ({best.mean():.3f}")
                self._assert_mean(line, results, rows)


if __name__ == "__main__":
    absltest.main()
