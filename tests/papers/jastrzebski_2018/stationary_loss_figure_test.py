"""Tests of the drawing of stationary losses."""

import numpy as np
from absl.testing import absltest

from bsgen.papers.jastrzebski_2018 import stationary_loss
from tests.reports import recorded
from tests.studies import made_up

NAME = "jastrzebski_2018/theory"


def _dots(axes):
    """The sorted places of all markers."""
    lines = [bars.lines[0] for bars in axes.containers]
    return sorted(p for line in lines for p in zip(*line.get_data(), strict=True))


class StationaryLossTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        results = recorded.results(NAME)
        self.simulated = stationary_loss.analyse(results)
        self.left, self.right = made_up.figure(NAME, results).axes

    def test_every_small_setting_beside_eq_7(self):
        small = self.simulated.small
        expected = sorted(zip(small["ratio"], small["loss"], strict=True))
        np.testing.assert_allclose(_dots(self.left), expected)
        lines = [line for line in self.left.lines if line.get_marker() == "None"]
        traces = small.groupby("spectrum")["hessian_trace"].first()
        slopes = [line.get_ydata()[0] / line.get_xdata()[0] for line in lines]
        np.testing.assert_allclose(sorted(slopes), sorted(traces / 4))

    def test_every_setting_over_eq_7_beside_the_exact_curve(self):
        rows = self.simulated.settings
        values = rows["loss"] / rows["continuous_loss"]
        expected = sorted(zip(rows["critical_share"], values, strict=True))
        np.testing.assert_allclose(_dots(self.right), expected)
        curves = [line for line in self.right.lines if len(line.get_xdata()) > 100]
        self.assertLen(curves, 3)
        for momentum in (0.0, 0.9):
            part = rows[rows["momentum"] == momentum].sort_values("critical_share")
            exact = part["exact_loss"] / part["continuous_loss"]
            for curve, (_, of_one) in zip(
                curves, part.groupby("spectrum"), strict=True
            ):
                met = np.interp(of_one["critical_share"], *curve.get_data())
                # 200 places up to 0.95: at most 0.5 % between two near the end.
                np.testing.assert_allclose(met, exact[of_one.index], rtol=5e-3)

    def test_legend(self):
        texts = [text.get_text() for text in self.left.get_legend().texts]
        self.assertEqual(texts[:3], ["equal", "power law", "outliers"])
        self.assertEqual(texts[3:5], ["momentum 0", "momentum 0.9"])


if __name__ == "__main__":
    absltest.main()
