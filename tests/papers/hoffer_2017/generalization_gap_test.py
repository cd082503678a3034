"""Tests of figure 1: its runs, its claims and what is drawn."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.papers.hoffer_2017 import generalization_gap, presets
from tests.papers.hoffer_2017 import error_outcomes
from tests.studies import made_up

_NAME = "hoffer_2017/fig1"
_SIZES = presets.BATCH_SIZES["quick"]
_SMALL = presets.QUICK.small_batch_size


def _results(rise, train_rise=0.0, num_seeds=5, smallest=None):
    """Errors that rise for each doubling of the batch size from the small one on."""

    def doublings(run):
        return max(0, np.log2(run.batch_size / _SMALL))

    def final_error(run):
        if smallest is not None and run.batch_size == _SIZES[0]:
            return smallest
        return 0.1 + rise * doublings(run) + error_outcomes.of_seed(run)

    runs = made_up.runs(_NAME, "quick", num_seeds)
    return error_outcomes.results(
        runs, final_error, train_error=lambda run: train_rise * doublings(run)
    )


def _verdicts(*arguments, **more):
    return made_up.verdicts(made_up.judged(_NAME, _results(*arguments, **more)))


class RunsTest(parameterized.TestCase):
    @parameterized.parameters(*presets.FIGURES)
    def test_batch_sizes_of_equal_epochs(self, scale):
        runs = made_up.runs(_NAME, scale, 2)
        sizes = presets.BATCH_SIZES[scale]
        self.assertEqual([run.batch_size for run in runs[::2]], list(sizes))
        self.assertEqual([run.seed for run in runs], [0, 1] * len(sizes))
        epochs = presets.FIGURES[scale].task.budget.num_epochs
        for run in runs:
            examples = run.num_steps * run.batch_size
            self.assertAlmostEqual(
                examples / run.data.train_size, epochs, delta=epochs / 20
            )
        large = {r.sgd.learning_rate for r in runs if r.batch_size > sizes[1]}
        self.assertLen(large, 1)


class ClaimsTest(absltest.TestCase):
    def test_as_in_the_paper(self):
        self.assertEqual(_verdicts(0.01), ["holds"] * 3)

    def test_an_error_that_does_not_depend_on_the_batch_size(self):
        self.assertNotIn("holds", _verdicts(0.0))

    def test_an_error_that_falls(self):
        self.assertEqual(_verdicts(-0.01), ["fails"] * 3)

    def test_large_batches_that_only_train_less(self):
        self.assertEqual(_verdicts(0.01, 0.012), ["holds", "holds", "fails"])

    def test_a_smallest_batch_that_is_the_worst(self):
        self.assertEqual(_verdicts(0.01, smallest=0.5), ["holds", "fails", "holds"])

    def test_numbers(self):
        rise, ends, apart = made_up.judged(_NAME, _results(0.01, 0.004))
        self.assertAlmostEqual(rise.measured, 0.01, places=3)
        self.assertIn("the training error rises by 0.004 [", rise.note)
        doublings = np.log2(_SIZES[-1] / _SMALL)
        self.assertAlmostEqual(ends.measured, 0.01 * doublings, places=3)
        self.assertAlmostEqual(apart.measured, 0.006, places=3)
        # Paired, the intervals know nothing of the seeds' own 0.005.
        self.assertLess(ends.interval[1] - ends.interval[0], 0.001)


class FigureTest(absltest.TestCase):
    def test_errors_and_losses_against_the_batch_size(self):
        results = _results(0.01, 0.004)
        found = generalization_gap.analyse(results)
        left, middle, right = made_up.figure(_NAME, results).axes
        lines = {line.get_label(): line for line in left.lines}
        for size, curves in found.by_size.items():
            np.testing.assert_allclose(
                lines[str(size)].get_ydata(), curves.errors.mean(axis=1)
            )
        for axes, expected in (
            (middle, [found.final(part).mean(axis=1) for part in ("test", "train")]),
            (right, [0.001 + 5 * found.final("train").mean(axis=1)]),
        ):
            drawn = [container.lines[0] for container in axes.containers]
            for line, means in zip(drawn[-len(expected) :], expected, strict=True):
                np.testing.assert_array_equal(line.get_xdata(), _SIZES)
                np.testing.assert_allclose(line.get_ydata().astype(float), means)


if __name__ == "__main__":
    absltest.main()
