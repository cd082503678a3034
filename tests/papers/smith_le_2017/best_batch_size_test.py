"""Tests of the claims of figure 4, on made-up results."""

import math

from absl.testing import absltest

from tests.papers.smith_le_2017 import made_up_sweeps
from tests.papers.smith_le_2017.made_up_sweeps import FIGURE4
from tests.studies import made_up


class BestBatchSizeTest(absltest.TestCase):
    def test_as_in_the_paper(self):
        results = made_up_sweeps.results(FIGURE4, lambda run: 32, floor=8)
        judged = made_up.judged(FIGURE4, results)
        self.assertEqual(made_up.verdicts(judged), ["holds"] * 3)
        # A run that diverged counts as a guess.
        self.assertAlmostEqual(judged[1].measured, 0.95 - 0.1, delta=0.002)
        expected = 0.01 * math.log2(1000 / 32) ** 2
        self.assertAlmostEqual(judged[0].measured, expected, delta=0.002)

    def test_the_full_batch_is_best(self):
        results = made_up_sweeps.results(FIGURE4, lambda run: 1000)
        self.assertEqual(
            made_up.verdicts(made_up.judged(FIGURE4, results)),
            ["fails", "holds", "holds"],
        )

    def test_the_smallest_batch_is_best(self):
        results = made_up_sweeps.results(FIGURE4, lambda run: 1)
        self.assertEqual(
            made_up.verdicts(made_up.judged(FIGURE4, results)),
            ["holds", "fails", "fails"],
        )


if __name__ == "__main__":
    absltest.main()
