"""Tests of the optimal learning rate between those tried."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.studies import best_runs, optimal_rate
from tests.studies import made_up_sweeps

_RATES = 2.0 ** np.arange(-3, 3)
_ALL = best_runs.Selection(1, 1)


def _sweep(values, selection=_ALL, rates=_RATES):
    return made_up_sweeps.sweep_of(np.reshape(values, (-1, 1)), rates, selection)


def _octave(*arguments):
    (log,) = optimal_rate.places(_sweep(*arguments), np.ones((1, 1)))
    return log / np.log(2)


class PlacesTest(parameterized.TestCase):
    def test_the_top_of_a_parabola(self):
        for top in np.random.default_rng().uniform(-2, 1, size=20):
            accuracies = 0.9 - 0.01 * (np.arange(-3, 3) - top) ** 2
            self.assertAlmostEqual(_octave(accuracies), top, places=8)

    @parameterized.named_parameters(
        # The parabola through 0.80, 0.88 and 0.90 has its top 1/6 of a step below.
        ("between", [0.5, 0.7, 0.8, 0.88, 0.9, 0.1], 1 - 1 / 6),
        # 0.80, 0.86 and 0.90: 1.5 steps above, where nothing trains any more.
        ("still_rising", [0.5, 0.7, 0.8, 0.86, 0.9, 0.1], 1.5),
        ("rising_faster", [0.5, 0.7, 0.8, 0.84, 0.9, 0.1], 1.5),
        # 0.85, 0.90 and 0.90: 1/2 step below.
        ("below", [0.5, 0.7, 0.85, 0.9, 0.9001, 0.1], 0.5),
    )
    def test_where_the_next_rate_breaks_training_down(self, accuracies, expected):
        self.assertAlmostEqual(_octave(accuracies), expected, delta=0.005)

    def test_rates_half_an_octave_apart(self):
        # Training breaks down two rates above the best one: the parabola is that of
        # the others within an octave, which lie on one here.
        rates = 2.0 ** np.arange(-3, 2.5, 0.5)
        rng = np.random.default_rng()
        for top in rng.uniform(0.05, 0.2, size=20):
            accuracies = 0.9 - 0.01 * (np.log2(rates) - top) ** 2
            accuracies[rates > 2**0.5] = 0.1
            found = _octave(accuracies, _ALL, rates)
            self.assertAlmostEqual(found, top, places=8)
        # One rate above it: cut off a quarter of an octave above.
        accuracies[rates > 1] = 0.1
        accuracies[rates <= 1] = 0.9 - 0.01 * (np.log2(rates[rates <= 1]) - 3) ** 2
        self.assertAlmostEqual(_octave(accuracies, _ALL, rates), 0.25)

    def test_a_loss_that_diverges_breaks_down(self):
        losses = [0.5, 0.3, 0.2, 0.12, 0.1, np.inf]
        selection = best_runs.Selection(1, 1, "loss", False, np.inf)
        self.assertAlmostEqual(_octave(losses, selection), 1 - 1 / 6)

    def test_each_draw_of_the_seeds_has_its_own(self):
        values = np.random.default_rng().uniform(size=(6, 8))
        found = made_up_sweeps.sweep_of(values, _RATES)
        chosen = np.random.default_rng().integers(8, size=(20, 8))
        weights = np.stack([np.bincount(each, minlength=8) / 8 for each in chosen])
        for log, own in zip(optimal_rate.places(found, weights), chosen, strict=True):
            alone = made_up_sweeps.sweep_of(values[:, own], _RATES)
            expected = optimal_rate.places(alone, np.full((1, 8), 1 / 8))
            np.testing.assert_allclose(log, expected[0])

    def test_edges(self):
        for values in (np.arange(6.0), -np.arange(6.0)):
            self.assertFalse(optimal_rate.is_inside(_sweep(values)))
        inside = _sweep([0.1, 0.2, 0.5, 0.3, 0.2, 0.1])
        self.assertTrue(optimal_rate.is_inside(inside))

    def test_the_spacing_is_that_around_the_place(self):
        found = _sweep([0.1, 0.5, 0.9, 0.5], rates=np.array([1.0, 2.0, 4.0, 16.0]))
        error = optimal_rate.spacing_error(found)
        self.assertAlmostEqual(error, 0.2 * np.log(8) / 2)


if __name__ == "__main__":
    absltest.main()
