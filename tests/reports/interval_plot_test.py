import dataclasses
import math

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.reports import interval_plot
from bsgen.studies import claims, estimates

_CLAIM = claims.Claim("c", "q", "> 0", 0.5, (0.1, 0.9), "holds", "n")
_WIDTH = interval_plot.WIDTH


def _plot(predicted, measured, interval):
    claim = dataclasses.replace(_CLAIM, predicted=predicted)
    claim = dataclasses.replace(claim, measured=measured, interval=interval)
    return interval_plot.plot(claim)


class IntervalPlotTest(parameterized.TestCase):
    def test_the_words_of_every_kind_of_claim_are_read_back(self):
        generator = np.random.default_rng()
        for _ in range(50):
            magnitude = 10.0 ** generator.integers(-7, 7)
            low, mid, high, far = np.sort(generator.normal(0, magnitude, 4))
            given = ("c", "q", estimates.mean([1.0, 2.0, 3.0]))
            for made, expected in (
                (claims.above(*given, bound=low), (low, math.inf, None, ())),
                (claims.below(*given, bound=low), (-math.inf, low, None, ())),
                (claims.between(*given, (low, high)), (low, high, None, ())),
                (
                    claims.scales_as(*given, mid, (low, high), [far]),
                    (low, high, mid, (far,)),
                ),
            ):
                found = interval_plot.parse(made.predicted)
                self.assertSequenceAlmostEqual(
                    found[3], expected[3], delta=1e-5 * magnitude * 10
                )
                for got, want in zip(found[:3], expected[:3], strict=True):
                    if want is None or math.isinf(want):
                        self.assertEqual(got, want)
                    else:  # six digits are written
                        self.assertAlmostEqual(got, want, delta=1e-5 * abs(want))

    def test_other_words_are_not_drawn(self):
        self.assertIsNone(_plot("as in the paper", 0.5, (0.1, 0.9)))
        self.assertIsNone(_plot("> 0", None, (None, None)))

    def test_places_by_hand(self):
        """From 0 to 4 with 8 % of that on either side: 4.64 units on the width."""
        found = _plot("1: 0.5 to 2 (not 0, 4)", 1.5, (1.25, 3.0))

        def place(value):
            return round(_WIDTH * (value + 0.32) / 4.64, 1)

        self.assertEqual(found.band, (place(0.5), place(2)))
        self.assertEqual(found.expected, place(1))
        self.assertEqual(found.interval, (place(1.25), place(3)))
        self.assertEqual(found.point, place(1.5))
        self.assertFalse(found.is_logarithmic)
        marks = [(mark.label, mark.is_alternative) for mark in found.marks]
        self.assertEqual(
            marks, [("0.5", False), ("2", False), ("0", True), ("4", True)]
        )
        self.assertEqual([mark.place for mark in found.marks][2:], [place(0), place(4)])

    def test_open_ends_reach_the_edges(self):
        found = _plot("> 0", 1.0, (None, 2.0))
        self.assertEqual(found.band[1], _WIDTH)
        self.assertEqual(found.interval[0], 0)
        found = _plot("< 0.1", 1.0, (0.01, None))
        self.assertTrue(found.is_logarithmic)
        self.assertEqual((found.band[0], found.interval[1]), (0, _WIDTH))

    def test_a_logarithmic_axis_has_equal_factors_at_equal_distances(self):
        found = _plot("< 0.1", 1.0, (1.0, 10.0))
        self.assertTrue(found.is_logarithmic)
        first, middle, last = found.band[1], *found.interval
        self.assertAlmostEqual(middle - first, last - middle, delta=0.11)

    def test_everything_lies_inside(self):
        generator = np.random.default_rng()
        for predicted in ("> 0", "< 1e-06", "-0.1 to 0.1", "45: 36 to 54 (not 0, 90)"):
            for _ in range(20):
                value = float(generator.normal(0, 10.0 ** generator.integers(-9, 4)))
                half = abs(float(generator.normal(0, 1)))
                found = _plot(predicted, value, (value - half, value + half))
                places = [*found.band, *found.interval, found.point]
                places += [mark.place for mark in found.marks]
                self.assertBetween(min(places), 0, _WIDTH)
                self.assertBetween(max(places), 0, _WIDTH)
                self.assertLessEqual(found.interval[0], found.point)
                self.assertLessEqual(found.point, found.interval[1])
        found = _plot("0.9 to 1", 1.0, (1.0, 1.0))  # no width at all
        self.assertEqual(found.interval, (found.point, found.point))

    def test_labels_do_not_overlap(self):
        found = _plot("0: -0.001 to 0.001 (not 0.5, 1)", 0.2, (0.1, 0.9))
        shown = [mark.label for mark in found.marks if mark.is_labelled]
        self.assertEqual(shown, ["-0.001", "0.5", "1"])

    @parameterized.parameters(
        ((1.0, 2.0), "The whole interval lies in what is predicted"),
        ((-2.0, 0.0), "No part of the interval lies in what is predicted"),
        ((-1.0, 2.0), "A part of the interval lies in what is predicted"),
    )
    def test_words(self, interval, expected):
        self.assertEqual(_plot("> 0", 0.0, interval).words, expected)

    def test_covered_alternatives_are_said(self):
        found = _plot("1: 0.75 to 1.25 (not 0, 0.5, 2)", 0.7, (0.4, 0.9))
        self.assertEndsWith(found.words, "predicted; it covers 0.5")


if __name__ == "__main__":
    absltest.main()
