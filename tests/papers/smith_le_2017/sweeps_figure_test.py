import numpy as np
from absl.testing import absltest, parameterized

from bsgen.papers.smith_le_2017 import sweeps
from tests.reports import recorded
from tests.studies import made_up

RULES = {
    "fig5": ("learning_rate", lambda rate: rate),
    "fig6": ("train_size", lambda size: size),
    "fig7": ("momentum", lambda m: 1 / (1 - m)),
}


def mean_accuracies(runs):
    """By batch size; a diverged run counts with chance."""
    accuracy = runs["final_test_accuracy"].astype(float).fillna(0.1)
    return accuracy.groupby(runs["batch_size"]).mean()


class SweepsTest(parameterized.TestCase):
    def draw(self, figure):
        name = f"smith_le_2017/{figure}"
        results = recorded.results(name)
        return results.runs, made_up.figure(name, results)

    def test_figure4_points_are_means_and_the_best_is_marked(self):
        runs, drawn = self.draw("fig4")
        axes = drawn.axes[1]
        means = mean_accuracies(runs)
        points = axes.containers[0].lines[0]
        np.testing.assert_array_equal(points.get_xdata(), means.index)
        np.testing.assert_allclose(points.get_ydata(orig=False), means)
        marked = [e for e in axes.lines if str(e.get_label()).startswith("$B_{opt}$")]
        self.assertEqual(marked[0].get_xdata()[0], 32)
        self.assertEqual(means.idxmax(), 32)
        (cross,) = [
            e for e in axes.lines if e.get_marker() == "x" and len(e.get_xdata())
        ]
        np.testing.assert_array_equal(cross.get_xdata(), [1])

    def test_figure4_has_a_curve_for_each_batch_size(self):
        runs, drawn = self.draw("fig4")
        self.assertLen(drawn.axes[0].lines, runs["batch_size"].nunique())

    @parameterized.parameters(*RULES)
    def test_a_curve_for_each_setting(self, figure):
        runs, drawn = self.draw(figure)
        axes = drawn.axes[0]
        column, _ = RULES[figure]
        settings = sorted(set(runs[column]))
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        self.assertEqual(labels, [f"{setting:g}" for setting in settings])
        for setting, container in zip(settings, axes.containers, strict=True):
            rows = runs[runs[column] == setting]
            means = mean_accuracies(rows)
            np.testing.assert_allclose(container.lines[0].get_ydata(orig=False), means)

    @parameterized.parameters(*RULES)
    def test_predicted_line_follows_the_rule_through_the_fitted(self, figure):
        runs, drawn = self.draw(figure)
        column, rule = RULES[figure]
        swept = sweeps.by_setting(runs, column)
        half = swept[len(swept) // 2 :] if figure == "fig6" else swept
        fitted = sweeps.fitted(half)
        self.assertGreaterEqual(len(fitted), 2)
        lines = {entry.get_label(): entry for entry in drawn.axes[1].lines}
        x, y = lines["predicted: exponent 1"].get_data()
        ratio = y / rule(x)
        np.testing.assert_allclose(ratio, ratio[0])
        if figure != "fig7":
            slope = np.diff(np.log(y)) / np.diff(np.log(x))
            np.testing.assert_allclose(slope, 1, rtol=1e-9)
        logs = [np.log(s.best.batch_size / rule(s.setting)) for s in fitted]
        self.assertAlmostEqual(np.log(ratio[0]), np.mean(logs))

    @parameterized.parameters(*RULES)
    def test_optima_with_hollow_marks_where_not_fitted(self, figure):
        runs, drawn = self.draw(figure)
        column, _ = RULES[figure]
        swept = sweeps.by_setting(runs, column)
        half = swept[len(swept) // 2 :] if figure == "fig6" else swept
        used = {sweep.setting for sweep in sweeps.fitted(half)}
        dots = [
            e
            for e in drawn.axes[1].lines
            if e.get_marker() == "o" and len(e.get_xdata())
        ]
        for dot, sweep in zip(dots, swept, strict=True):
            self.assertEqual(dot.get_xdata()[0], sweep.setting)
            self.assertEqual(dot.get_ydata()[0], sweep.best.batch_size)
            hollow = dot.get_markerfacecolor() == "white"
            self.assertEqual(hollow, sweep.setting not in used)
        bars = [entry.get_segments()[0][:, 1] for entry in drawn.axes[1].collections]
        ends = [(sweep.best.lower, sweep.best.upper) for sweep in swept]
        np.testing.assert_allclose(bars, ends)


if __name__ == "__main__":
    absltest.main()
