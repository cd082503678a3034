"""Tests of the runs of figures 4 to 7."""

import collections

from absl.testing import absltest, parameterized

from tests.papers.smith_le_2017.made_up_sweeps import FIGURE4, FIGURE5, FIGURE6, FIGURE7
from tests.studies import made_up

NUM_STEPS = {"quick": 2000, "paper": 10_000}  # at learning rate 1
MAX_EXAMPLES = {"quick": 200_000, "paper": 41_000_000}


def _keys(runs):
    return {run.key for run in runs}


class RunsTest(parameterized.TestCase):
    @parameterized.parameters("quick", "paper")
    def test_figures_share_runs(self, scale):
        largest = MAX_EXAMPLES[scale] // NUM_STEPS[scale]
        of_figure4 = made_up.runs(FIGURE4, scale, None)
        sizes = {run.batch_size for run in of_figure4}
        expected = {2**k for k in range(10)} | {1000}
        self.assertEqual(sizes, expected)
        shared = _keys(run for run in of_figure4 if run.batch_size <= largest)
        self.assertNotEmpty(shared)
        # Figure 7 takes more steps at quick scale.
        of_all = {"quick": (FIGURE5, FIGURE6), "paper": (FIGURE5, FIGURE6, FIGURE7)}
        for name in of_all[scale]:
            self.assertContainsSubset(shared, _keys(made_up.runs(name, scale, None)))
        figure3 = made_up.runs("smith_le_2017/fig3", scale, None)
        seeds = {run.seed for run in of_figure4}  # figure 3 may take more of them
        full = [r for r in figure3 if r.batch_size == 1000 and r.seed in seeds]
        self.assertLen(full, len(seeds))
        self.assertContainsSubset(_keys(full), _keys(of_figure4))

    @parameterized.product(
        scale=("quick", "paper"),
        name=(FIGURE4, FIGURE5, FIGURE6, FIGURE7),
    )
    def test_settings(self, scale, name):
        runs = made_up.runs(name, scale, 2)
        self.assertLen(_keys(runs), len(runs))  # none twice
        for run in runs:
            rate = run.optimizer.learning_rate
            # Figure 5: steps times learning rate is constant, up to rounding.
            own = 3000 if (name, scale) == (FIGURE7, "quick") else NUM_STEPS[scale]
            self.assertEqual(run.num_steps, round(own / rate))
            self.assertEqual(run.evaluation_steps[0], 0)
            self.assertEqual(run.evaluation_steps[-1], run.num_steps)
            self.assertLessEqual(run.batch_size, run.data.train_size)
            self.assertEqual((run.seed, run.optimizer.l2), (run.data.subset_seed, 0))
            if name != FIGURE4:
                examples = run.batch_size * run.num_steps
                self.assertLessEqual(examples, MAX_EXAMPLES[scale])
        # More seeds add runs and change none: a folder may grow.
        self.assertContainsSubset(_keys(runs), _keys(made_up.runs(name, scale, 3)))

    def test_figures_5_and_7_have_sizes_between_the_powers_of_two_at_quick_scale(self):
        for name in (FIGURE5, FIGURE7):
            sizes = collections.defaultdict(set)
            for run in made_up.runs(name, "quick", 1):
                sizes[run.num_steps, run.optimizer.momentum].add(run.batch_size)
            possible = {2**k for k in range(10)} | {1000, 3, 6, 11, 23, 45, 91, 181}
            for (num_steps, _), found in sizes.items():
                largest = MAX_EXAMPLES["quick"] / num_steps
                self.assertEqual(found, {s for s in possible if s <= largest})

    def test_large_training_sets_have_sizes_between_the_powers_of_two(self):
        sizes = collections.defaultdict(set)
        for run in made_up.runs(FIGURE6, "paper", 1):
            sizes[run.data.train_size].add(run.batch_size)
        powers = {2**k for k in range(13)}
        between = {round(2 ** (k + 0.5)) for k in range(4, 9)}
        for train_size, found in sizes.items():
            large = train_size >= 10_000
            own = {train_size} if train_size < max(powers) else set()
            expected = {size for size in powers if size <= train_size} | own
            self.assertEqual(found, expected | (between if large else set()))


if __name__ == "__main__":
    absltest.main()
