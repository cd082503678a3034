"""Tests of figures 3 and 8: their runs, and claims on made-up results."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.papers.smith_le_2017 import gap
from tests.studies import made_up

FIGURE3, FIGURE8 = "smith_le_2017/fig3", "smith_le_2017/fig8"

# For small and full batches, without and with regularisation: final accuracy, step of
# convergence, lowest and final test cross-entropy. "As in the paper":
_PAPER = {
    ("small", 0): (0.98, 100, 0.10, 0.20),
    ("full", 0): (0.95, 20, 0.15, 0.40),
    ("small", 1): (0.97, 20, 0.12, 0.12),
    ("full", 1): (0.968, 100, 0.12, 0.12),
}


def _results(name, settings, num_seeds=4, diverged=()):
    def outcome(run, rng):
        small = "small" if run.batch_size < run.data.train_size else "full"
        key = (small, int(run.optimizer.l2 > 0))
        if (*key, run.seed) in diverged:
            return None
        accuracy, converged, lowest, last = settings[key]
        accuracy += 0.0005 * rng.normal()
        steps = np.array(run.evaluation_steps)
        curve = {
            "step": steps.tolist(),
            "test_accuracy": np.where(
                steps < converged, 0.9 * accuracy, accuracy
            ).tolist(),
            "test_cross_entropy": [2.3, *[lowest] * (len(steps) - 2), last],
        }
        return curve, {"test_accuracy": accuracy, "test_cross_entropy": last}

    return made_up.results(made_up.runs(name, "quick", num_seeds), outcome)


def _changed(**changes):
    return {
        key: changes.get(f"{key[0]}_{key[1]}", values) for key, values in _PAPER.items()
    }


class RunsTest(parameterized.TestCase):
    @parameterized.parameters("quick", "paper")
    def test_figure8_has_those_of_figure3(self, scale):
        plain, both = (made_up.runs(name, scale, None) for name in (FIGURE3, FIGURE8))
        keys = {run.key for run in plain}
        self.assertLen(keys, 10)
        self.assertContainsSubset(keys, {run.key for run in both})
        regular = [run for run in both if run.key not in keys]
        self.assertLen(regular, 10)
        for run in plain:
            self.assertEqual(run.optimizer.l2, 0)
            self.assertIn(run.batch_size, (30, 32, run.data.train_size))
        for run in regular:
            # lambda = 0.1 for the sum over the examples.
            self.assertAlmostEqual(run.optimizer.l2 * run.data.train_size, 0.1)


class Figure3Test(absltest.TestCase):
    def _verdicts(self, **changes):
        results = _results(FIGURE3, _changed(**changes))
        return made_up.verdicts(made_up.judged(FIGURE3, results))

    def test_as_in_the_paper(self):
        self.assertEqual(self._verdicts(), ["holds"] * 4)

    def test_the_other_way_round(self):
        found = self._verdicts(small_0=_PAPER["full", 0], full_0=_PAPER["small", 0])
        self.assertEqual(found, ["fails"] * 4)

    def test_one_at_a_time(self):
        self.assertEqual(
            self._verdicts(
                small_0=(0.98, 20, 0.10, 0.20), full_0=(0.95, 100, 0.15, 0.4)
            ),
            ["holds", "fails", "holds", "holds"],
        )
        self.assertEqual(
            self._verdicts(small_0=(0.98, 100, 0.10, 0.50)),
            ["holds", "holds", "fails", "holds"],
        )
        self.assertEqual(
            self._verdicts(small_0=(0.98, 100, 0.16, 0.20)),
            ["holds", "holds", "holds", "fails"],
        )

    def test_numbers(self):
        results = _results(FIGURE3, _PAPER)
        accuracy, ratio, last, lowest = made_up.judged(FIGURE3, results)
        self.assertAlmostEqual(accuracy.measured, 0.03, delta=0.002)
        self.assertAlmostEqual(last.measured, -0.2, places=12)
        self.assertAlmostEqual(lowest.measured, -0.05, places=12)
        # The first evaluated steps at or above 100 and 20.
        steps = np.array(made_up.runs(FIGURE3, "quick", 1)[0].evaluation_steps)
        expected = steps[steps >= 100][0] / steps[steps >= 20][0]
        self.assertAlmostEqual(ratio.measured, expected, places=9)

    def test_convergence_before_the_first_step_counts_as_one_step(self):
        settings = {**_PAPER, ("full", 0): (0.95, 0, 0.15, 0.4)}
        results = _results(FIGURE3, settings)
        (found,) = gap.analyse(results).gaps
        self.assertEqual(found.full.converged.tolist(), [1.0] * 4)

    def test_a_diverged_run_leaves_it_undecided(self):
        results = _results(FIGURE3, _PAPER, diverged={("small", 0, 2)})
        judged = made_up.judged(FIGURE3, results)
        self.assertEqual(set(made_up.verdicts(judged)), {"undecided"})

    def test_one_seed_decides_nothing(self):
        judged = made_up.judged(FIGURE3, _results(FIGURE3, _PAPER, num_seeds=1))
        self.assertEqual(set(made_up.verdicts(judged)), {"undecided"})


class Figure8Test(absltest.TestCase):
    def _verdicts(self, **changes):
        results = _results(FIGURE8, _changed(**changes))
        return made_up.verdicts(made_up.judged(FIGURE8, results))

    def test_as_in_the_paper(self):
        self.assertEqual(self._verdicts(), ["holds"] * 4)

    def test_otherwise(self):
        found = self._verdicts(
            small_1=(0.98, 100, 0.12, 0.12), full_1=(0.93, 20, 0.12, 0.60)
        )
        self.assertEqual(found, ["fails"] * 4)

    def test_a_larger_gap_that_is_reversed_is_not_smaller_by_size(self):
        # Without: +0.03. With: -0.05. The difference of gaps is positive, but the
        # second claim tells that performances are not similar.
        found = self._verdicts(full_1=(0.99, 100, 0.12, 0.12))
        self.assertEqual(found[1], "fails")


if __name__ == "__main__":
    absltest.main()
