"""Tests of the grids of learning rates."""

import numpy as np
from absl.testing import absltest

from bsgen.papers.smith_elsen_de_2020 import grids, wide_resnet
from tests.papers.smith_elsen_de_2020 import sweep_outcomes
from tests.studies import made_up


class GridsTest(absltest.TestCase):
    def test_powers_of_two(self):
        self.assertEqual(grids.powers_of_two(-1, 2), (0.5, 1.0, 2.0, 4.0))
        # 0.75 lies nearer to 1 than to 1/2, on a logarithmic axis.
        self.assertEqual(grids.around(0.75, 1, 2), (0.5, 1.0, 2.0, 4.0))

    def test_two_rates_an_octave(self):
        expected = [0.5, 0.5**0.5, 1.0, 2**0.5, 2.0]
        np.testing.assert_allclose(grids.around(1.1, 1, 1, per_octave=2), expected)
        np.testing.assert_allclose(grids.powers_of_two(-1, 1, 2), expected)
        halves = grids.powers_of_two(-0.5, 0.5, 2)
        np.testing.assert_allclose(halves, expected[1:-1])
        # Powers of two are in it to the last bit, so that figures share runs.
        self.assertContainsSubset(
            grids.powers_of_two(-7, 5), grids.powers_of_two(-7, 5, 2)
        )

    def test_effective_rates_are_those_of_the_grid_with_every_momentum(self):
        task = sweep_outcomes.TASK.changed(num_seeds=1)
        rates = grids.powers_of_two(-4, 3, 2)
        grid = grids.Grid(task, (8,), lambda batch_size, momentum: rates)
        results = made_up.results(grid.runs(), lambda run, rng: ({}, {}))
        found = grids.effective(results.runs)
        for _, own in found.groupby("momentum"):
            each = own["effective_learning_rate"].sort_values()
            np.testing.assert_allclose(each, rates, rtol=1e-8)
        self.assertEqual(found["effective_learning_rate"].nunique(), len(rates))


class QuickTest(absltest.TestCase):
    def test_figure_5_shares_runs_with_figure_1(self):
        first, fifth = (
            {run.key for run in each["quick"].grid.runs(1)}
            for each in (wide_resnet.FIGURE_1, wide_resnet.FIGURE_5)
        )
        # Of both momenta and batch sizes those that are powers of two.
        self.assertGreaterEqual(len(first & fifth), 4 * 4)


if __name__ == "__main__":
    absltest.main()
