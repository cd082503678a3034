"""What `launch.sweep` shows of a protocol: rates, error bars, edges, missing runs."""

import contextlib
import io

from absl.testing import absltest

from bsgen.sweeps import plan, protocol, results
from launch import grid_display, optima_display
from tests.sweeps import made_up


class OptimaDisplayTest(absltest.TestCase):
    def _summary(self, accuracy, part="validation"):
        axes = {"batch_size": (10, 20), "momentum": (0, 0.9)}
        grid = made_up.grid(3, 50, effective_learning_rate=(0.5, 1, 2), **axes)
        settings = made_up.settings(grid)
        found = protocol.make("constant_epochs", grid, 2, part)
        planned = plan.make(grid, settings, found)
        folder = self.create_tempdir().full_path
        store = made_up.store_of(folder, settings, accuracy, part)
        return results.summarize(planned, results.table(planned, store))

    def _printed(self, show, *arguments):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            show(*arguments)
        return out.getvalue()

    def test_optima_and_edges(self):
        def accuracy(run):
            rate = run.sgd.learning_rate / (1 - run.sgd.momentum)
            best = 1.0 if run.batch_size == 10 else 2.0
            return 0.9 - 0.1 * abs(rate - best) + 0.01 * run.seed

        summary = self._summary(accuracy)
        text = self._printed(grid_display.print_summary, summary)
        first, *_ = [line for line in text.splitlines() if " 0.9 " in line]
        # The best two of 0.9, 0.91 and 0.92; their plain mean, and no other optimum.
        cells = ["10", "0.9", "0.915", "±", "0.007", "0.91", "2⁰", "(2⁰–2⁰)", "0%"]
        self.assertEqual(first.split(), [*cells, "0.085"])
        self.assertIn(" 2¹ (2¹–2¹) > ", text)
        self.assertIn("at 2 of 4 settings an optimum", text)
        self.assertNotIn("flatters", text)
        self.assertIn("36 runs: 36 completed\n", text)
        table = text.partition("± is")[0]
        self.assertLessEqual(max(map(len, table.splitlines())), 80)
        text = self._printed(optima_display.print_extension, summary.optima, 2)
        self.assertEndsWith(text, "learning rates added, in powers of two: 2\n")

    def test_the_test_set_flatters_and_runs_may_be_missing(self):
        summary = self._summary(
            lambda run: 0.5 if run.seed == 0 or run.batch_size == 20 else None, "test"
        )
        text = self._printed(grid_display.print_summary, summary)
        self.assertIn("highest accuracy in test, best 2 of 3 runs", text)
        self.assertIn("too few runs", text)
        self.assertIn("selected on the test set, which flatters", text)


if __name__ == "__main__":
    absltest.main()
