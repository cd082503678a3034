"""Tests of the line that turns into a constant."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import theory


def _line(sizes, slope, turn, level):
    return level + slope * np.minimum(sizes - turn, 0.0)


class FitTwoRegimesTest(parameterized.TestCase):
    @parameterized.parameters((1.0,), (0.5,), (-0.7,))
    def test_lines_without_noise_are_found_wherever_they_turn(self, slope):
        sizes = np.log([4, 8, 16, 40, 64, 100, 256])
        rng = np.random.default_rng()
        turns = [*sizes[1:-1], *rng.uniform(sizes[1], sizes[-2], size=20)]
        levels = rng.normal(size=len(turns))
        rates = [_line(sizes, slope, t, x) for t, x in zip(turns, levels, strict=True)]
        found = theory.fit_two_regimes(sizes, np.array(rates))
        np.testing.assert_allclose(found.slope, slope, rtol=1e-7)
        np.testing.assert_allclose(found.turn, turns, rtol=1e-7)
        np.testing.assert_allclose(found.level, levels, rtol=1e-7, atol=1e-9)

    def test_by_hand(self):
        # The line through (0, 0), (1, 1) and (2, 2) meets the mean of the others at 2.
        rates = np.array([[0.0, 1.0, 2.0, 2.2, 1.8]])
        found = theory.fit_two_regimes(np.arange(5.0), rates)
        np.testing.assert_allclose([part[0] for part in found], [1.0, 2.0, 2.0])

    def test_no_place_of_a_fine_grid_is_better(self):
        rng = np.random.default_rng()
        sizes = np.sort(rng.uniform(0, 6, size=7))
        rates = rng.normal(size=(50, 7)) + np.minimum(sizes, 4.0)
        found = theory.fit_two_regimes(sizes, rates)
        for row, slope, turn, level in zip(rates, *found, strict=True):
            own = np.sum((row - _line(sizes, slope, turn, level)) ** 2)
            for other in np.linspace(sizes[1], sizes[-1], 800):
                columns = np.stack([np.minimum(sizes - other, 0.0), np.ones(7)], axis=1)
                _, squares, *_ = np.linalg.lstsq(columns, row, rcond=None)
                self.assertLessEqual(own, squares[0] + 1e-9)

    def test_a_line_that_never_turns(self):
        sizes = np.arange(5.0)
        found = theory.fit_two_regimes(sizes, sizes[np.newaxis] - 3)
        np.testing.assert_allclose([part[0] for part in found], [1.0, 4.0, 1.0])


if __name__ == "__main__":
    absltest.main()
