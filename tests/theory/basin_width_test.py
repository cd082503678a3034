"""Tests of the widths of basins of known shape."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import theory

_PLACES = np.linspace(-1, 2, 301)
_RISE = 0.1


class BasinWidthTest(parameterized.TestCase):
    @parameterized.parameters(10.0, 30.0, 100.0)
    def test_a_quadratic(self, curvature):
        losses = 0.02 + curvature * _PLACES**2 / 2
        found = theory.basin_width(_PLACES, losses, 0.0, _RISE)
        expected = 2 * np.sqrt(2 * _RISE / curvature)
        # Between two places, h = 0.01 apart, the logarithm of the loss bends by at most
        # curvature / edge; a chord errs by h^2 / 8 of that, over its slope.
        error = 0.01**2 / 8 * curvature / np.sqrt(2 * curvature * _RISE)
        self.assertAlmostEqual(found, expected, delta=2 * error)
        self.assertLess(2 * error, 0.02 * expected)

    def test_an_exponential_is_met_exactly(self):
        losses = 0.01 * np.exp(np.where(_PLACES > 1, 7.0, 3.0) * np.abs(_PLACES - 1))
        found = theory.basin_width(_PLACES, losses, 1.0, _RISE)
        rise = np.log((0.01 + _RISE) / 0.01)
        self.assertAlmostEqual(found, rise / 3 + rise / 7, places=12)

    def test_overflow_is_a_wall(self):
        losses = np.where(np.abs(_PLACES) < 0.205, 0.0, np.nan)
        found = theory.basin_width(_PLACES, losses, 0.0, _RISE)
        self.assertAlmostEqual(found, 0.4)
        losses = np.where(np.abs(_PLACES) < 0.205, 0.0, np.inf)
        self.assertAlmostEqual(theory.basin_width(_PLACES, losses, 0.0, _RISE), 0.4)

    def test_an_open_basin_has_no_width(self):
        losses = 0.1 * np.maximum(_PLACES, 0)
        self.assertTrue(np.isnan(theory.basin_width(_PLACES, losses, 0.0, _RISE)))


if __name__ == "__main__":
    absltest.main()
