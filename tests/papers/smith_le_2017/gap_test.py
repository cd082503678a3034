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


def _results(name, settings, num_seeds=4, diverged=(), rise=None):
    """Made-up runs; `rise` are the steps at which they reach shares of the final."""

    def outcome(run, rng):
        small = "small" if run.batch_size < run.data.train_size else "full"
        key = (small, int(run.optimizer.l2 > 0))
        if (*key, run.seed) in diverged:
            return None
        accuracy, converged, lowest, last = settings[key]
        accuracy += 0.0005 * rng.normal()
        steps = np.array(run.evaluation_steps)
        reached = np.where(steps < converged, 0.9, 1.0)
        for share, step in (rise or {}).get(key, {}).items():
            reached = np.where(steps < step, np.minimum(reached, share - 1e-4), reached)
        curve = {
            "step": steps.tolist(),
            "test_accuracy": (accuracy * reached).tolist(),
            "test_cross_entropy": [2.3, *[lowest] * (len(steps) - 2), last],
        }
        return curve, {"test_accuracy": accuracy, "test_cross_entropy": last}

    return made_up.results(made_up.runs(name, "quick", num_seeds), outcome)


def _changed(**changes):
    return {
        key: changes.get(f"{key[0]}_{key[1]}", values) for key, values in _PAPER.items()
    }


@parameterized.parameters("quick", "paper")
class RunsTest(parameterized.TestCase):
    def test_figure8_takes_runs_of_figure3(self, scale):
        plain, both = (made_up.runs(name, scale, None) for name in (FIGURE3, FIGURE8))
        keys = {run.key for run in plain}
        shared = [run for run in both if run.key in keys]
        regular = [run for run in both if run.key not in keys]
        num_seeds = len({run.seed for run in both})
        self.assertLen(shared, 2 * num_seeds)
        self.assertLen(regular, 2 * num_seeds)
        self.assertLen(keys, 32 if scale == "quick" else 2 * num_seeds)
        for run in plain:
            self.assertEqual(run.optimizer.l2, 0)
            self.assertIn(run.batch_size, (30, 32, run.data.train_size))
        for run in regular:
            # lambda = 0.1 for the sum over the examples.
            self.assertAlmostEqual(run.optimizer.l2 * run.data.train_size, 0.1)

    def test_seeds_that_are_asked_for(self, scale):
        for name, settings in ((FIGURE3, 2), (FIGURE8, 4)):
            self.assertLen(made_up.runs(name, scale, 3), 3 * settings)


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
        # The first evaluated steps at or above 100 and 20, by every criterion.
        steps = np.array(made_up.runs(FIGURE3, "quick", 1)[0].evaluation_steps)
        expected = steps[steps >= 100][0] / steps[steps >= 20][0]
        self.assertAlmostEqual(ratio.measured, expected, places=9)

    def test_convergence_before_the_first_step_counts_as_one_step(self):
        settings = {**_PAPER, ("full", 0): (0.95, 0, 0.15, 0.4)}
        results = _results(FIGURE3, settings)
        (found,) = gap.analyse(results).gaps
        self.assertEqual(found.full.converged[0.95].tolist(), [1.0] * 4)

    def test_steps_to_each_share_of_the_final_accuracy(self):
        rise = {("small", 0): {0.95: 10, 0.99: 50, 0.999: 200}}
        results = _results(
            FIGURE3, _PAPER | {("small", 0): (0.9, 0, 0.1, 0.2)}, rise=rise
        )
        (found,) = gap.analyse(results).gaps
        steps = np.array(made_up.runs(FIGURE3, "quick", 1)[0].evaluation_steps)
        for share, step in rise["small", 0].items():
            expected = steps[steps >= step][0]
            self.assertEqual(found.small.converged[share].tolist(), [expected] * 4)

    def test_time_to_converge_that_depends_on_the_criterion(self):
        rise = {
            ("small", 0): {0.95: 10, 0.99: 50, 0.999: 200},
            ("full", 0): {0.95: 100, 0.99: 100, 0.999: 100},
        }
        settings = _PAPER | {
            (size, 0): (0.9, 0, 0.1, 0.2) for size in ("small", "full")
        }
        longer = made_up.judged(FIGURE3, _results(FIGURE3, settings, rise=rise))[1]
        self.assertEqual(longer.verdict, "undecided")
        words = (
            "depends on the criterion: fails at 95 %, fails at 99 %, holds at 99.9 %"
        )
        self.assertEqual(longer.reason, words)
        steps = np.array(made_up.runs(FIGURE3, "quick", 1)[0].evaluation_steps)
        small, full = (
            [steps[steps >= s][0] for s in r.values()] for r in rise.values()
        )
        ratios = np.divide(small, full)
        self.assertAlmostEqual(longer.measured, ratios[1], places=9)
        self.assertAlmostEqual(longer.interval[0], ratios[0], places=9)
        self.assertAlmostEqual(longer.interval[1], ratios[2], places=9)
        for ratio in ratios:
            self.assertIn(f"{ratio:.2g} [", longer.note)

    def test_a_diverged_run_leaves_it_undecided(self):
        results = _results(FIGURE3, _PAPER, diverged={("small", 0, 2)})
        judged = made_up.judged(FIGURE3, results)
        self.assertEqual(set(made_up.verdicts(judged)), {"undecided"})

    def test_one_seed_decides_nothing(self):
        judged = made_up.judged(FIGURE3, _results(FIGURE3, _PAPER, num_seeds=1))
        self.assertEqual(set(made_up.verdicts(judged)), {"undecided"})


class OrderTest(parameterized.TestCase):
    @parameterized.parameters(FIGURE3, FIGURE8)
    def test_runs_are_paired_by_seed_whatever_the_order_of_the_rows(self, name):
        # Runs of one seed share what its data are worth.
        def outcome(run, rng):
            of_seed = 0.02 * np.random.default_rng(run.seed).normal()
            accuracy = 0.9 + of_seed + 0.002 * rng.normal()
            entropy = 0.3 - of_seed + 0.002 * rng.normal()
            steps = list(run.evaluation_steps)
            curve = {
                "step": steps,
                "test_accuracy": [accuracy * min(1, 0.8 + s / 500) for s in steps],
                "test_cross_entropy": [2.3, *[entropy] * (len(steps) - 1)],
            }
            final = {"test_accuracy": accuracy, "test_cross_entropy": entropy}
            return curve, final

        results = made_up.results(made_up.runs(name, "quick", 8), outcome)
        judged = made_up.judged(name, results)
        accuracy = judged[0]
        # Paired, the intervals know nothing of the seeds' own 0.02.
        self.assertLess(accuracy.interval[1] - accuracy.interval[0], 0.01)
        shuffled = results._replace(
            runs=results.runs.sample(frac=1, random_state=0),
            curves=results.curves.sample(frac=1, random_state=1),
        )
        self.assertEqual(made_up.judged(name, shuffled), judged)


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
