"""What `launch.sweep` shows: counts while it trains, and the best setting."""

import contextlib
import io

from absl.testing import absltest, parameterized

from bsgen.sweeps import results
from launch import grid_display
from tests.sweeps import made_up


class GridDisplayTest(parameterized.TestCase):
    def _summary(self, accuracy, part="test", **axes):
        made = made_up.grid(**axes)
        store = made_up.store(self.create_tempdir().full_path, made, accuracy, part)
        plan = made_up.planned(made)
        return results.summarize(plan, results.table(plan, store))

    def _printed(self, summary):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            grid_display.print_summary(summary)
        return out.getvalue()

    def test_the_best_setting_and_counts(self):
        def accuracy(run):
            if run.batch_size == 50 and run.seed == 1:
                return "diverged"
            return 0.5 + 0.1 * run.sgd.learning_rate + run.batch_size / 1000

        text = self._printed(self._summary(accuracy))
        self.assertIn("18 runs: 16 completed, 2 diverged\n", text)
        self.assertIn("the test set, which flatters it", text)
        best = "learning rate 1, batch size 20: test accuracy 0.6200 ±0.0000\n"
        self.assertEndsWith(text, best)
        first, *_, last = [line for line in text.splitlines() if " 3 " in line]
        self.assertRegex(first, r"^ +1 +20 +3 +0\.6200 ±0\.0000 *$")
        self.assertRegex(last, r" 50 +3 +1 *$")  # without a mean

    def test_eighty_columns_hold_four_axes_and_two_metrics(self):
        axes = {
            "learning_rate": (0.1, 1.0),
            "ghost_batch_size": (None, 8),
            "l2": (0, 1e-4),
            "schedule": ("constant", "cyclic factors=1,5 period=0.1"),
        }
        summary = self._summary(lambda run: 0.5, "validation", **axes)
        text = self._printed(summary)
        table = text.partition("the 20 best" if "the 20" in text else "48 runs")[0]
        self.assertLessEqual(max(map(len, table.splitlines())), 80)
        self.assertIn("best setting (by validation): ", text)

    def test_nothing_has_ended(self):
        text = self._printed(self._summary(lambda run: None))
        self.assertIn("18 runs: 18 missing", text)
        self.assertIn("no setting has completed all of its runs", text)

    def test_lines_where_there_is_no_terminal(self):
        made = made_up.grid()
        runs = [runs for _, runs in made_up.settings(made)]
        store = made_up.store(
            self.create_tempdir().full_path,
            made,
            lambda run: 0.5 if run.batch_size == 10 else None,
        )
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            bar = grid_display.SweepBar(runs, store)
            with bar:
                for each in runs[1][:2]:
                    bar.finished(made_up.record(each, None))
                    bar.advance(1.0)
        first, *lines = out.getvalue().splitlines()
        self.assertStartsWith(first, "12 of 18 runs to train, about ")
        # A line for every tenth of the sweep, of 1.8 runs.
        self.assertEqual(lines, ["8 of 18 runs, 2 diverged"])


if __name__ == "__main__":
    absltest.main()
