"""Tests of the claims of figure 4, on made-up results."""

import math

from absl.testing import absltest

from tests.papers.smith_le_2017 import made_up_sweeps
from tests.papers.smith_le_2017.made_up_sweeps import FIGURE4
from tests.studies import made_up


class BestBatchSizeTest(absltest.TestCase):
    def judged(self, *args, **more):
        results = made_up_sweeps.results(FIGURE4, *args, **more)
        return made_up.judged(FIGURE4, results)

    def test_as_in_the_paper(self):
        full, larger, smaller, below, above = judged = self.judged(
            lambda run: 32, floor=8
        )
        self.assertEqual(made_up.verdicts(judged), ["holds"] * 5)
        for claim, factor in ((full, 1000 / 32), (larger, 4), (smaller, 2)):
            drop = 0.01 * math.log2(factor) ** 2
            self.assertAlmostEqual(claim.measured, drop, delta=0.002)
        # A run that diverged counts as a guess.
        self.assertAlmostEqual(below.measured, 0.1, delta=0.002)
        # The sizes tried that are next to 10.
        self.assertEndsWith(below.quantity, "batch size 8")
        self.assertEndsWith(above.quantity, "batch size 16")
        self.assertAlmostEqual(above.measured, 0.94, delta=0.002)

    def test_what_figure_3_says_too_is_a_repetition(self):
        judged = self.judged(lambda run: 32)
        self.assertEqual([claim.kind for claim in judged], ["repeat"] + ["paper"] * 4)
        self.assertIn("smith_le_2017/fig3", judged[0].note)

    def test_the_full_batch_is_best(self):
        # There is no larger one: it is not better than itself.
        found = made_up.verdicts(self.judged(lambda run: 1000, floor=8))
        self.assertEqual(found, ["fails", "fails", "holds", "holds", "holds"])

    def test_the_smallest_batch_is_best(self):
        found = made_up.verdicts(self.judged(lambda run: 1))
        self.assertEqual(found, ["holds", "holds", "fails", "fails", "holds"])

    def test_the_smallest_batch_that_trains_is_best(self):
        # Runs that cannot train do not make a peak.
        found = made_up.verdicts(self.judged(lambda run: 16, floor=8))
        self.assertEqual(found, ["holds", "holds", "fails", "holds", "holds"])

    def test_nothing_trains_below_64(self):
        found = made_up.verdicts(self.judged(lambda run: 128, floor=32))
        self.assertEqual(found, ["holds", "holds", "holds", "holds", "fails"])


if __name__ == "__main__":
    absltest.main()
