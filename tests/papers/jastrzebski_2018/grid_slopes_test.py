"""Tests of slopes on learning rate and batch size."""

import numpy as np
import pandas as pd
from absl.testing import absltest

from bsgen.papers.jastrzebski_2018 import grid_slopes


def _rows(num_seeds, rates=(0.1, 0.2, 0.9), sizes=(3, 8, 50)):
    index = pd.MultiIndex.from_product([range(num_seeds), rates, sizes])
    return index.to_frame(False, ["seed", "learning_rate", "batch_size"])


class SlopesTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.draw = np.random.default_rng()

    def _logarithm(self, rows, slopes):
        """Returns log y of each row, with a constant of each seed's own."""
        rate, size = np.asarray(slopes).T[:, rows["seed"]]
        constants = self.draw.normal(size=rows["seed"].nunique())[rows["seed"]]
        log_rate, log_size = (
            np.log(rows[name]) for name in ("learning_rate", "batch_size")
        )
        return constants + rate * log_rate + size * log_size

    def test_slopes_are_found_again(self):
        slopes, rows = self.draw.normal(size=(4, 2)), _rows(4)
        # In any order, and with settings missing.
        kept = rows.sample(frac=1, random_state=0)[:-3]
        logarithm = self._logarithm(rows, slopes)
        found = grid_slopes.fit(kept, logarithm[kept.index])
        np.testing.assert_allclose(np.stack(found, 1), slopes, 1e-9)
        (mean_rate, mean_size), power = slopes.mean(0), found.power.interval()
        self.assertAlmostEqual(power.value, (mean_rate - mean_size) / 2, places=9)
        angle = np.degrees(np.angle(-mean_rate + 1j * mean_size))
        self.assertAlmostEqual(found.angle.interval().value, angle, places=9)

    def test_any_function_of_the_ratio_has_the_angle_of_its_rule(self):
        rows = _rows(3, (0.1, 0.2, 0.4, 0.8), (2, 4, 8, 16))
        log = np.log(rows["learning_rate"] / rows["batch_size"])
        powers = self.draw.uniform(0.5, 2, 3)[:, None]
        falling = -(np.exp(powers * log.to_numpy()).sum(axis=0) ** 2)
        found = grid_slopes.fit(rows, falling)
        self.assertAlmostEqual(found.angle.interval().value, 45)

    def test_a_seed_without_both_slopes_is_left_out(self):
        rows = _rows(3)
        rows = rows[(rows["seed"] != 1) | (rows["batch_size"] == 8)]
        logarithm = self._logarithm(rows, [(-1, 1), (5, 5), (-1, 1)])
        found = grid_slopes.fit(rows, logarithm)
        np.testing.assert_allclose(found.learning_rate, [-1, -1], 1e-9)

    def test_nothing_to_fit(self):
        found = grid_slopes.fit(_rows(1)[:0], [])
        self.assertTrue(np.isnan(found.angle.interval().value))
        self.assertTrue(np.isnan(found.power.interval().value))

    def test_the_angle_of_small_slopes_covers_the_true_one(self):
        # Slopes a few of their errors from nothing: a mean of the seeds' own angles
        # would be drawn to 0. 95 % of 400 intervals, within 4 standard errors.
        draw, covered = np.random.default_rng(0), 0
        for _ in range(400):
            slopes = draw.normal((-0.1, 0.05), 0.06, size=(10, 2))
            interval = grid_slopes.Slopes(*slopes.T).angle.interval()
            true = np.degrees(np.arctan2(0.05, 0.1))
            covered += interval.lower < true < interval.upper
        self.assertBetween(covered / 400, 0.90, 1.0)

    def test_rules_lie_outside_the_band_and_the_paper_s_inside(self):
        lowest, highest = grid_slopes.BAND
        for angle in grid_slopes.RULES.values():
            is_paper_s = angle == grid_slopes.PREDICTED
            self.assertEqual(lowest < angle < highest, is_paper_s)
        # Nearer to the paper's rule than to any other.
        for angle in grid_slopes.ALTERNATIVES:
            nearest = np.clip(angle, lowest, highest)
            nearer = abs(nearest - angle) > abs(nearest - grid_slopes.PREDICTED)
            self.assertTrue(nearer)


if __name__ == "__main__":
    absltest.main()
