"""Table, summary and picture of made-up sweeps, whose best setting is known."""

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized
from scipy import stats

from bsgen.figures import style
from bsgen.sweeps import figure, results
from tests.sweeps import made_up


def _accuracy(run):
    """Highest at rate 1 and batch size 20; differs by seed, and by setting."""
    draw = np.random.default_rng(int(run.key, 16))
    peak = run.sgd.learning_rate == 1 and run.batch_size == 20
    return 0.6 + 0.2 * peak + 0.05 * draw.uniform()


class ResultsTest(parameterized.TestCase):
    def _results(self, accuracy, part="test", failed=(), **axes):
        made = made_up.grid(**axes)
        store = made_up.store(self.create_tempdir().full_path, made, accuracy, part)
        plan = made_up.planned(made)
        table = results.table(plan, store, failed)
        return made, table, results.summarize(plan, table)

    def test_the_table_has_a_row_a_run(self):
        made, table, _ = self._results(_accuracy)
        self.assertLen(table, 18)
        for (setting, runs), (_, rows) in zip(
            made_up.settings(made), table.groupby("setting"), strict=True
        ):
            for run, (_, row) in zip(runs, rows.iterrows(), strict=True):
                self.assertEqual(row["key"], run.key)
                self.assertEqual(row["seed"], run.seed)
                self.assertEqual(row["final_test_accuracy"], _accuracy(run))
                for name, value in setting.values.items():
                    self.assertEqual(row[name], value)
        self.assertEqual(set(table["status"]), {"completed"})
        # What is the same for all runs is no column.
        self.assertNotIn("train_size", table)

    def test_means_and_intervals(self):
        _, table, summary = self._results(_accuracy)
        for (_, row), (_, rows) in zip(
            summary.settings.iterrows(), table.groupby("setting"), strict=True
        ):
            scores = rows["final_test_accuracy"]
            lower, upper = stats.t.interval(0.95, 2, scores.mean(), stats.sem(scores))
            self.assertAlmostEqual(row["test_accuracy"], scores.mean(), 12)
            self.assertAlmostEqual(row["test_accuracy_lower"], lower, 12)
            self.assertAlmostEqual(row["test_accuracy_upper"], upper, 12)
        best = summary.settings.loc[summary.best]
        self.assertEqual((best["learning_rate"], best["batch_size"]), (1.0, 20))
        self.assertFalse(summary.by_validation)

    def test_a_setting_is_the_best_only_if_all_of_its_runs_are_completed(self):
        def accuracy(run):
            is_peak = run.sgd.learning_rate == 1 and run.batch_size == 20
            lost = {0: "diverged", 1: 0.99, 2: 0.99}[run.seed]
            return lost if is_peak else 0.7 + run.batch_size / 1000

        _, table, summary = self._results(accuracy)
        best = summary.settings.loc[summary.best]
        self.assertEqual(best["batch_size"], 50)
        (lost,) = summary.settings[summary.settings["diverged"] > 0].to_dict("records")
        self.assertTrue(np.isnan(lost["test_accuracy"]))
        self.assertEqual((lost["runs"], lost["diverged"]), (3, 1))
        self.assertEqual(summary.counts["completed"], 17)
        self.assertEqual(summary.counts["diverged"], 1)

    def test_validation_chooses_where_there_is_some(self):
        _, _, summary = self._results(_accuracy, "validation", validation_size=20)
        metrics = ("validation_accuracy", "test_accuracy")
        self.assertEqual(summary.metrics, metrics)
        self.assertTrue(summary.by_validation)

    def test_runs_that_have_not_ended(self):
        made = made_up.grid()
        (_, first), *_ = made_up.settings(made)

        def accuracy(run):
            if run.batch_size == 20 and run.seed == 2:
                return None
            return None if run.batch_size == 10 else 0.5 + (run.batch_size == 20) / 10

        _, table, summary = self._results(accuracy, failed={first[0].key})
        # Not batch size 20, which lacks a run.
        self.assertEqual(summary.settings.at[summary.best, "batch_size"], 50)
        counts = {"completed": 10, "diverged": 0, "failed": 1, "missing": 7}
        self.assertEqual(summary.counts, counts)
        self.assertEqual(table["status"][0], "failed")
        nothing = self._results(lambda run: None)[2]
        self.assertEqual((nothing.metrics, nothing.best), ((), None))

    def test_one_seed_has_no_interval(self):
        _, _, summary = self._results(_accuracy, num_seeds=1)
        self.assertTrue(np.isinf(summary.settings["test_accuracy_upper"]).all())
        self.assertIsNotNone(summary.best)

    @parameterized.parameters(
        ({"l2": (0, 1e-4)}, 1),
        ({"l2": (0, 1e-4), "activation": ("relu", "tanh")}, 2),
        ({"l2": (0, 1e-3), "momentum": (0, 0.5, 0.9), "nesterov": (True, False)}, 3),
        (
            {
                "l2": (0, 1),
                "momentum": (0, 0.5),
                "nesterov": (True, False),
                "schedule": ("constant", "cyclic factors=1,5 period=0.1"),
            },
            4,
        ),
    )
    def test_the_picture_has_a_panel_an_axis(self, axes, count):
        def accuracy(run):
            diverges = run.sgd.l2 == 0 and run.seed == 1
            return "diverged" if diverges else _accuracy(run)

        _, _, summary = self._results(accuracy, **axes)
        drawn = figure.draw(summary)
        self.assertLen(drawn.axes, count)
        titles = [panel.get_title(loc="left")[4:] for panel in drawn.axes]
        self.assertEqual(titles, list(axes))
        stars = [line for line in drawn.axes[0].lines if line.get_marker() == "*"]
        self.assertLen(stars, 1)
        best = summary.settings.loc[summary.best]
        self.assertEqual(
            stars[0].get_xydata().tolist(), [[best["l2"], best["test_accuracy"]]]
        )
        crosses = [line for line in drawn.axes[0].lines if line.get_marker() == "x"]
        lost = np.concatenate([line.get_xdata() for line in crosses])
        self.assertEqual(set(lost), {0.0})
        self.assertStartsWith(style.png(drawn), b"\x89PNG")

    def test_intervals_stay_inside_an_axis_of_accuracy(self):
        scores = {10: 0.1, 20: 0.9}

        def accuracy(run):
            return scores[run.batch_size] + 0.02 * run.seed

        _, _, summary = self._results(accuracy, batch_size=tuple(scores))
        upper = summary.settings["test_accuracy_upper"].max()
        (axes,) = figure.draw(summary).axes
        self.assertBetween(upper, 0.9, 0.999)
        self.assertGreaterEqual(axes.get_ylim()[1], upper)

    def test_a_picture_where_every_run_has_diverged(self):
        _, _, summary = self._results(
            lambda run: "diverged" if run.batch_size == 10 else 0.5,
            batch_size=(10, 20),
        )
        self.assertIn("3 diverged", figure.draw(summary).get_supxlabel())

    def test_the_table_is_what_pandas_reads_again(self):
        _, table, _ = self._results(_accuracy)
        path = self.create_tempfile("sweep.csv").full_path
        table.to_csv(path, index=False)
        pd.testing.assert_frame_equal(pd.read_csv(path), table)


if __name__ == "__main__":
    absltest.main()
