"""Tests of the drawings of figures 5 to 7."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.papers.smith_le_2017 import sweeps
from tests.papers.smith_le_2017 import made_up_sweeps
from tests.reports import recorded
from tests.studies import made_up

RULES = {
    "fig5": ("learning_rate", lambda rate: rate),
    "fig6": ("train_size", lambda size: size),
    "fig7": ("momentum", lambda m: 1 / (1 - m)),
}


class ScalingRulesFigureTest(parameterized.TestCase):
    def draw(self, figure):
        name = f"smith_le_2017/{figure}"
        results = recorded.results(name)
        return results, made_up.figure(name, results)

    @parameterized.parameters(*RULES)
    def test_a_curve_for_each_setting(self, figure):
        results, drawn = self.draw(figure)
        runs = results.runs
        axes = drawn.axes[0]
        column, _ = RULES[figure]
        settings = sorted(set(runs[column]))
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        self.assertEqual(labels, [f"{setting:g}" for setting in settings])
        for setting, container in zip(settings, axes.containers, strict=True):
            rows = runs[runs[column] == setting]
            means = made_up_sweeps.mean_accuracies(rows)
            np.testing.assert_allclose(container.lines[0].get_ydata(orig=False), means)

    @parameterized.parameters(*RULES)
    def test_predicted_line_follows_the_rule_through_the_fitted(self, figure):
        results, drawn = self.draw(figure)
        column, rule = RULES[figure]
        swept = sweeps.by_setting(results, column)
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
        logs = [s.best.place.logs.mean() - np.log(rule(s.setting)) for s in fitted]
        self.assertAlmostEqual(np.log(ratio[0]), np.mean(logs))
        self.assertEqual([x[0], x[-1]], [half[0].setting, half[-1].setting])

    @parameterized.parameters(*RULES)
    def test_optima_with_hollow_marks_where_not_fitted(self, figure):
        results, drawn = self.draw(figure)
        column, _ = RULES[figure]
        swept = sweeps.by_setting(results, column)
        half = swept[len(swept) // 2 :] if figure == "fig6" else swept
        used = {sweep.setting for sweep in sweeps.fitted(half)}
        dots = [
            e
            for e in drawn.axes[1].lines
            if e.get_marker() == "o" and len(e.get_xdata())
        ]
        for dot, sweep in zip(dots, swept, strict=True):
            self.assertEqual(dot.get_xdata()[0], sweep.setting)
            place = np.exp(sweep.best.place.logs.mean())
            expected = sweep.best.batch_size if sweep.best.at_edge else place
            self.assertAlmostEqual(dot.get_ydata()[0], expected)
            hollow = dot.get_markerfacecolor() == "white"
            self.assertEqual(hollow, sweep.setting not in used)
        bars = [entry.get_segments()[0][:, 1] for entry in drawn.axes[1].collections]
        ends = [(sweep.best.lower, sweep.best.upper) for sweep in swept]
        np.testing.assert_allclose(bars, ends)

    def test_the_edge_of_training_is_drawn(self):
        results = made_up_sweeps.cliffs(
            made_up_sweeps.FIGURE7,
            lambda run: 3 / (1 - run.optimizer.momentum),
            lambda run: 1.2 / (1 - run.optimizer.momentum),
        )
        drawn = made_up.figure(made_up_sweeps.FIGURE7, results)
        (edge,) = (e for e in drawn.axes[1].lines if e.get_marker() == "v")
        momenta, sizes = edge.get_data()
        # Where the accuracy is half of the best above chance, near the cliff's middle.
        np.testing.assert_allclose(sizes * (1 - np.array(momenta)), 1.2, rtol=0.15)

    def test_batch_sizes_that_are_missing_are_marked(self):
        results = recorded.results("smith_le_2017/fig5")
        lost = (results.runs["learning_rate"] == 1) & (results.runs["batch_size"] > 64)
        columns = ["key", "learning_rate", "batch_size"]
        missing = results.runs.loc[lost, columns].assign(recorded=False)
        partial = results._replace(runs=results.runs[~lost], missing=missing)
        drawn = made_up.figure("smith_le_2017/fig5", partial)
        (marks,) = (e for e in drawn.axes[0].lines if e.get_marker() == "s")
        self.assertEqual(list(marks.get_xdata()), [91])
        self.assertEmpty(
            [
                e
                for e in made_up.figure("smith_le_2017/fig5", results).axes[0].lines
                if e.get_marker() == "s"
            ]
        )


if __name__ == "__main__":
    absltest.main()
