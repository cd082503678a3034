"""Tests of the drawing of figure 4."""

import numpy as np
from absl.testing import absltest

from tests.reports import recorded
from tests.studies import made_up


def _draw(results):
    return made_up.figure("jastrzebski_2018/fig4", results)


def _of_panel(results, panel, column):
    lines = results.measurements[results.measurements["panel"] == panel]
    return lines.groupby("alpha")[column]


class InterpolationsTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.results = recorded.results("jastrzebski_2018/fig4")

    def test_loss_and_accuracies_of_every_pair(self):
        grid = np.reshape(_draw(self.results).axes, (2, 4))
        for panel, above, below in zip("abcd", *grid, strict=True):
            thick = [line for line in above.lines if line.get_label()[0] != "_"]
            (loss,) = thick
            of_alpha = _of_panel(self.results, panel, "train_cross_entropy")
            mean = np.exp(of_alpha.agg(lambda x: np.log(x).mean()))
            np.testing.assert_allclose(loss.get_xdata(), mean.index)
            np.testing.assert_allclose(loss.get_ydata(), mean)
            lowest, highest = above.get_ylim()
            self.assertBetween(mean.min(), lowest, mean.min() * 4)
            self.assertBetween(mean.max(), highest / 4, highest)
            labelled = {line.get_label(): line for line in below.lines}
            for label, column in (
                ("training", "train_accuracy"),
                ("test", "test_accuracy"),
            ):
                mean = _of_panel(self.results, panel, column).mean()
                np.testing.assert_allclose(labelled[label].get_ydata(), mean)

    def test_titles_and_ends_say_what_is_joined(self):
        above = _draw(self.results).axes[:4]
        ratios = ["ratios differ"] * 2 + ["ratios equal"]
        ratios.append("ratios differ, loss equal")
        self.assertEqual(
            [axes.get_title("left") for axes in above],
            [
                f"({letter}) normalized_mlp,\n{words}"
                for letter, words in zip("abcd", ratios, strict=True)
            ],
        )
        ends = [(text.get_position()[0], text.get_text()) for text in above[1].texts]
        self.assertEqual(ends, [(0, "0.25 / 40"), (1, "0.04 / 40")])

    def test_a_seed_with_a_diverged_network_has_no_line(self):
        table = self.results.measurements.copy()
        gone = (table["panel"] == "a") & (table["seed"] == 1) & table["crossed"]
        for name in ("train_cross_entropy", "train_accuracy", "test_accuracy"):
            table[name] = table[name].where(~gone)
        drawn = _draw(self.results._replace(measurements=table))
        (loss,) = [x for x in drawn.axes[0].lines if x.get_label()[0] != "_"]
        self.assertTrue(np.isnan(loss.get_ydata()).all())
        shown = [x for x in drawn.axes[0].lines if x.get_alpha() is not None]
        finite = [np.isfinite(line.get_ydata()).all() for line in shown]
        self.assertEqual(finite, [True, False, True])


if __name__ == "__main__":
    absltest.main()
