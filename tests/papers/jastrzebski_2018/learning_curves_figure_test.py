"""Tests of the drawings of figures 1, 2 and 5."""

import numpy as np
from absl.testing import absltest

from bsgen.papers.jastrzebski_2018 import (
    breakdown,
    cycles,
    learning_curves,
    rescaling,
)
from tests.reports import recorded
from tests.studies import made_up


def _labelled(axes):
    lines, labels = axes.get_legend_handles_labels()
    return dict(zip(labels, lines, strict=True))


def _dots(axes):
    """The values of every seed, by what is compared."""
    return [line.get_ydata() for line in axes.lines if line.get_alpha()]


class LearningCurvesTest(absltest.TestCase):
    def _draw(self, module):
        results = recorded.results(module.STUDY.name)
        return module.analyse(results), made_up.figure(module.STUDY.name, results).axes

    def _assert_mean(self, line, setting):
        np.testing.assert_allclose(line.get_xdata(), setting.accuracies.index)
        np.testing.assert_allclose(line.get_ydata(), setting.accuracies.mean(axis=1))

    def test_figure1(self):
        found, panels = self._draw(cycles)
        cyclic, constant = map(_labelled, panels[:2])
        for name in (cycles.CYCLIC_BATCH, cycles.CYCLIC_RATE):
            self._assert_mean(cyclic[name], found[name])
        ratios = [r"$\eta / S$ = 0.004 / 20", r"$\eta / S$ = 0.02 / 100"]
        self.assertEqual(list(constant), ratios)
        self._assert_mean(constant[ratios[1]], found[cycles.LARGE])
        pair = found[cycles.CYCLIC_BATCH].distances(found[cycles.CYCLIC_RATE])
        of_seeds = found[cycles.CYCLIC_RATE].between_seeds()
        for shown, expected in zip(_dots(panels[2]), (pair, of_seeds), strict=False):
            np.testing.assert_allclose(shown, expected)

    def test_figure2(self):
        found, (left, right) = self._draw(rescaling)
        (panel,) = found.values()
        lines = _labelled(left)
        self.assertIn("sqrt: 0.0632 / 200", lines)
        self._assert_mean(lines["linear: 0.2 / 200"], panel.large["linear"])
        apart = panel.large["none"].distances(panel.small)
        *_, none, two_seeds = _dots(right)
        np.testing.assert_allclose(none, apart)
        np.testing.assert_allclose(two_seeds, panel.small.between_seeds())

    def test_figure5(self):
        found, panels = self._draw(breakdown)
        for axes, (size, by_beta) in zip(panels, found.items(), strict=True):
            self.assertIn(f"{size:,}", axes.get_title("left"))
            lines = list(_labelled(axes).items())
            self.assertLen(lines, len(by_beta))
            for (label, line), (beta, setting) in zip(
                lines, by_beta.items(), strict=True
            ):
                best = setting.runs["best_test_accuracy"]
                self.assertStartsWith(label, f"{beta} ({best.mean():.3f}")
                apart = learning_curves.relative_distance(setting, by_beta[1])
                if beta > 1:
                    self.assertEndsWith(label, f", {apart.interval().value:.1f}")
                self._assert_mean(line, setting)


if __name__ == "__main__":
    absltest.main()
