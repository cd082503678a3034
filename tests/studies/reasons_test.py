"""Tests of why a claim stays undecided."""

import math

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import statistics
from bsgen.studies import estimates, reasons


def _known(num_seeds, *interval):
    ends = estimates.Ends(*np.array(interval, float)[:, np.newaxis])
    return estimates.Estimate(num_seeds, lambda chosen, confidence: ends, "made up")


class ReasonTest(parameterized.TestCase):
    @parameterized.parameters(
        # The lower end is twice as far as the bound: four times the seeds.
        ((5, 1.0, -1.0, 3.0), (0, math.inf), "too few seeds: about 20 would decide"),
        # From the other side it would fail.
        ((5, -1.0, -3.0, 1.0), (0, math.inf), "too few seeds: about 20 would decide"),
        # Inside a band: the nearer bound counts.
        ((10, 1.0, 0.7, 1.3), (0.9, 1.2), "too few seeds: about 91 would decide"),
        # Outside a band.
        ((8, 2.0, 0.5, 3.5), (0, 1), "too few seeds: about 18 would decide"),
        # An end on the bound itself: more seeds than there are.
        ((2, 1.0, 0.0, 2.0), (0, math.inf), "too few seeds: about 3 would decide"),
        # Only the end that crosses the bound counts.
        ((5, 1.0, -1.0, 1.5), (0, math.inf), "too few seeds: about 20 would decide"),
        ((5, -1.0, -1.5, 1.0), (0, math.inf), "too few seeds: about 20 would decide"),
        # 3.1^2 and 3.2^2 times as many: just below and above ten times.
        ((3, 1.0, -2.1, 4.1), (0, math.inf), "too few seeds: about 29 would decide"),
        (
            (3, 1.0, -2.2, 4.2),
            (0, math.inf),
            "no power: .* bound; 11 times as many seeds would decide",
        ),
        ((3, 0.1, -2.0, 2.2), (0, math.inf), "no power: .* bound$"),
        ((3, 0.0, -2.0, 2.0), (0, math.inf), "no power: .* bound$"),
        ((1, 0.5, -math.inf, math.inf), (0, 1), "too few seeds for an interval: 1"),
        ((5, 2.0, -math.inf, 3.0), (1, math.inf), "too few seeds for an interval: 5"),
        # The geometric mean of one seed has the lower end 0.
        ((1, 1.0, 0.0, math.inf), (0.5, math.inf), "too few seeds for an interval: 1"),
        ((0, math.nan, -math.inf, math.inf), (0, 1), "nothing to measure"),
    )
    def test_words(self, estimate, region, words):
        self.assertRegex(reasons.undecided(_known(*estimate), region), f"^{words}")

    def test_so_many_seeds_decide(self):
        rng = np.random.default_rng(0)
        samples = rng.normal(0.5, 1.0, size=6)
        found = estimates.mean(samples)
        words = reasons.undecided(found, (0, math.inf))
        number = int(words.split("about ")[1].split()[0])
        # As many seeds with the same mean and spread.
        more = np.resize(samples, number)
        more = (more - more.mean()) / more.std(ddof=1) * samples.std(ddof=1)
        lower = estimates.mean(more + samples.mean()).interval().lower
        self.assertGreater(lower, 0)

    def test_alternatives(self):
        interval = statistics.Interval(1.0, 0.4, 1.3)
        self.assertEqual(
            reasons.not_excluded(interval, (0, 0.5, 2)), "it does not exclude 0.5"
        )
        self.assertIn("excludes", reasons.not_excluded(interval, (0, 2)))


if __name__ == "__main__":
    absltest.main()
