"""Tests of the boundary between the regimes, on made-up sweeps of known truth."""

import math

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.studies import claims, regimes
from tests.studies import made_up_sweeps

_SIZES = [2**k for k in range(2, 11)]
_MANY_SIZES = [2**k for k in range(0, 13)]


def _found(seed=0, sizes=_SIZES, **settings):
    rng = np.random.default_rng(seed)
    sweeps = made_up_sweeps.regimes(rng, sizes, **settings)
    return regimes.find(sweeps)


class FindTest(parameterized.TestCase):
    @parameterized.parameters((1.0, 0.0), (1.0, 0.002), (0.5, 0.0), (0.5, 0.002))
    def test_the_truth_lies_in_the_intervals(self, slope, noise):
        rng = np.random.default_rng(0)
        hits = []
        for trial in range(20):
            # So that boundary and optima fall differently between the values tried.
            boundary, plateau = 2 ** rng.uniform(4.5, 8), 2 ** rng.uniform(0, 2)
            found = _found(
                trial, boundary=boundary, plateau=plateau, slope=slope, noise=noise
            )
            pairs = (
                (found.slope, slope),
                (found.boundary, boundary),
                (found.plateau, plateau),
            )
            intervals = [(estimate.interval(), truth) for estimate, truth in pairs]
            hits.append([i.lower <= truth <= i.upper for i, truth in intervals])
        # 95 % is meant; of twenty trials fewer than 16 hit with a chance of 0.3 %.
        self.assertGreaterEqual(np.sum(hits, axis=0).min(), 16)

    def test_intervals_have_seeds_and_spacing(self):
        exact = _found(boundary=64, plateau=2.0**1.5, fall=0.01)
        noisy = _found(boundary=64, plateau=2.0**1.5, fall=0.01, noise=0.01)
        reaches = [found.slope.interval() for found in (exact, noisy)]
        first, second = (interval.upper - interval.value for interval in reaches)
        self.assertGreater(first, 0.05)  # the spacing alone
        self.assertGreater(second, first)
        boundary = exact.boundary.interval()
        # Line and plateau are each off by a uniform part of a step, which is a factor
        # of two: at least this much, and no more than half as much again.
        least = 1.96 * math.sqrt(2 / 12) * math.log(2)
        reach = math.log(boundary.upper / boundary.value)
        self.assertBetween(reach, least, 1.5 * least)

    def test_lines_are_drawn_through_the_optima(self):
        found = _found(boundary=64, plateau=2.0**1.5, fall=0.01)
        ratios = np.log2(found.line(found.batch_sizes) / found.rates)
        self.assertLess(np.abs(ratios).max(), 0.6)

    def test_sizes_with_their_best_rate_at_an_edge_are_left_out(self):
        rates = 2.0 ** np.arange(-3, 4)
        found = _found(boundary=64, plateau=2.0**1.5, rates=rates)
        # The optimum at B = 4 is 2^(1.5 - 4), next to the edge.
        self.assertEqual(found.left_out, (4,))
        self.assertEqual(found.batch_sizes, tuple(_SIZES[1:]))
        judged = regimes.judge_slope("", found)
        self.assertIn("B = 4 left out", judged.note)

    def test_no_boundary_where_the_rate_keeps_rising(self):
        found = _found(boundary=2**20, plateau=2.0**10, rates=2.0 ** np.arange(-12, 6))
        self.assertTrue(math.isnan(found.boundary.interval().value))
        self.assertTrue(math.isnan(found.above.interval().value))
        self.assertAlmostEqual(found.slope.interval().value, 1, delta=0.1)
        np.testing.assert_allclose(found.line([1024, 512]).round(2), [1.0, 0.5], 0.2)

    def test_too_few_sizes_show_nothing(self):
        found = _found(sizes=[16, 64], boundary=32, plateau=2.0)
        for estimate in found[3:]:
            self.assertTrue(math.isnan(estimate.interval().value))
        self.assertEqual(regimes.judge_slope("", found).verdict, claims.UNDECIDED)
        self.assertTrue(np.isnan(found.line([16])).all())


class JudgeTest(parameterized.TestCase):
    @parameterized.parameters((1.0, 1.0, 0.5), (0.5, 0.5, 1.0))
    def test_slopes_are_told_apart(self, slope, predicted, other):
        found = _found(
            sizes=_MANY_SIZES,
            boundary=300,
            plateau=2.0**2.4,
            slope=slope,
            fall=0.01,
            rates=2.0 ** np.arange(-9, 5),
        )
        judged = regimes.judge_slope("", found, predicted)
        self.assertEqual(judged.verdict, claims.HOLDS, judged)
        self.assertEqual(judged.sureness, 1.0)
        judged = regimes.judge_slope("", found, other)
        self.assertEqual(judged.verdict, claims.FAILS, judged)
        judged = regimes.judge_plateau("", found)
        self.assertEqual(judged.verdict, claims.HOLDS, judged)
        self.assertIn("4 of 13", judged.note)

    def test_a_spacing_too_wide_is_the_reason(self):
        found = _found(sizes=[32, 64, 128, 256], boundary=64, plateau=2.0**1.5)
        judged = regimes.judge_slope("", found)
        self.assertEqual(judged.verdict, claims.UNDECIDED)
        self.assertIn("too far apart", judged.reason)

    def test_a_constant_rate_is_not_proportional(self):
        found = _found(
            sizes=_MANY_SIZES, boundary=64, plateau=2.0, slope=0.0, noise=0.001
        )
        judged = regimes.judge_slope("", found)
        self.assertNotEqual(judged.verdict, claims.HOLDS)


if __name__ == "__main__":
    absltest.main()
