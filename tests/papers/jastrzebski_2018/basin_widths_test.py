"""Tests of the widths of basins on lines of known shape."""

import numpy as np
import pandas as pd
from absl.testing import absltest

from bsgen.papers.jastrzebski_2018 import basin_widths

_ALPHAS = np.linspace(-1, 2, 301)


def _table(losses, **settings):
    same = {"panel": "a", "seed": 0, "crossed": False, "distance": 5.0, **settings}
    rows = {"alpha": _ALPHAS, basin_widths.LOSS: losses}
    return pd.DataFrame(rows).assign(**same)


class BasinWidthsTest(absltest.TestCase):
    def test_both_ends_have_their_own_loss_and_a_common_unit(self):
        first, second = (
            0.3 * np.exp(np.abs(_ALPHAS)),
            0.05 * np.exp(4 * np.abs(_ALPHAS - 1)),
        )
        losses = np.where(_ALPHAS < 0.5, first, second)
        (row,) = basin_widths.of(_table(losses)).itertuples()
        self.assertAlmostEqual(row.first, 5 * 2 * np.log(4 / 3), places=12)
        self.assertAlmostEqual(row.second, 5 * 2 * np.log(3) / 4, places=12)

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
