"""Tests of the widths of basins on lines of known shape."""

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized

from bsgen.papers.jastrzebski_2018 import basin_widths

_ALPHAS = np.linspace(-1, 2, 301)


def _table(losses, **settings):
    same = {"panel": "a", "seed": 0, "crossed": False, "distance": 5.0, **settings}
    rows = {"alpha": _ALPHAS, basin_widths.LOSS: losses}
    return pd.DataFrame(rows).assign(**same)


class BasinWidthsTest(parameterized.TestCase):
    @parameterized.parameters(10.0, 30.0, 100.0)
    def test_a_quadratic(self, curvature):
        losses = 0.02 + curvature * _ALPHAS**2 / 2
        found = basin_widths.width(_ALPHAS, losses, 0.0)
        expected = 2 * np.sqrt(2 * basin_widths.RISE / curvature)
        # Between two alphas, h = 0.01 apart, the logarithm of the loss bends by at most
        # curvature / edge; a chord errs by h^2 / 8 of that, over its slope.
        error = 0.01**2 / 8 * curvature / np.sqrt(2 * curvature * basin_widths.RISE)
        self.assertAlmostEqual(found, expected, delta=2 * error)
        self.assertLess(2 * error, 0.02 * expected)

    def test_an_exponential_is_met_exactly(self):
        losses = 0.01 * np.exp(np.where(_ALPHAS > 1, 7.0, 3.0) * np.abs(_ALPHAS - 1))
        found = basin_widths.width(_ALPHAS, losses, 1.0)
        rise = np.log((0.01 + basin_widths.RISE) / 0.01)
        self.assertAlmostEqual(found, rise / 3 + rise / 7, places=12)

    def test_both_ends_have_their_own_loss_and_a_common_unit(self):
        first, second = (
            0.3 * np.exp(np.abs(_ALPHAS)),
            0.05 * np.exp(4 * np.abs(_ALPHAS - 1)),
        )
        losses = np.where(_ALPHAS < 0.5, first, second)
        (row,) = basin_widths.of(_table(losses)).itertuples()
        self.assertAlmostEqual(row.first, 5 * 2 * np.log(4 / 3), places=12)
        self.assertAlmostEqual(row.second, 5 * 2 * np.log(3) / 4, places=12)

    def test_overflow_is_a_wall(self):
        losses = np.where(np.abs(_ALPHAS) < 0.205, 0.0, np.nan)
        found = basin_widths.width(_ALPHAS, losses, 0.0)
        self.assertAlmostEqual(found, 0.4)
        losses = np.where(np.abs(_ALPHAS) < 0.205, 0.0, np.inf)
        self.assertAlmostEqual(basin_widths.width(_ALPHAS, losses, 0.0), 0.4)

    def test_an_open_basin_has_no_width(self):
        losses = 0.1 * np.maximum(_ALPHAS, 0)
        self.assertTrue(np.isnan(basin_widths.width(_ALPHAS, losses, 0.0)))

    def test_a_diverged_network_has_no_width(self):
        (row,) = basin_widths.of(_table(None, distance=None)).itertuples()
        self.assertTrue(np.isnan(row.first) and np.isnan(row.second))

    def test_lines_are_told_apart_and_sorted(self):
        narrow, wide = (0.01 + h * _ALPHAS**2 for h in (40.0, 10.0))
        table = pd.concat([_table(narrow), _table(wide, crossed=True)])
        found = basin_widths.of(table.sample(frac=1, random_state=0))
        by_line = found.set_index("crossed")["first"]
        self.assertLen(found, 2)
        self.assertAlmostEqual(by_line[True] / by_line[False], 2, delta=0.02)


if __name__ == "__main__":
    absltest.main()
