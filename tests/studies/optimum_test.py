"""Tests of the optimum batch size and of its scaling, on accuracies made up here."""

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized

from bsgen.studies import claims, optimum

_SIZES = [2**k for k in range(11)]
_COARSE_SIZES = [4**k for k in range(6)]
_FINE_SIZES = [1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256, 512, 1024]


def _table(best, sizes=_SIZES, height=0.01, noise=0.0, num_seeds=5, seed=0):
    """Accuracies that fall by `height` (log2(size / best))^2, plus noise.

    Args:
      best: the optimum, one number or one a seed.
    """
    rng = np.random.default_rng(seed)
    best = np.broadcast_to(best, num_seeds)
    drop = height * np.log2(np.array(sizes)[:, np.newaxis] / best) ** 2
    values = 0.9 - drop + noise * rng.normal(size=(len(sizes), num_seeds))
    return pd.DataFrame(values, index=sizes, columns=range(num_seeds))


def _cliff(best, sizes, fall, noise, rng, num_seeds=10):
    """Accuracies as the networks' are: a cliff of training that breaks down.

    To the right they fall by `fall` an octave; towards smaller sizes there is a loss
    that grows e^4.8-fold an octave, as it does on MNIST, whose slope is that fall at
    `best`. Seeds differ in the place of the cliff by 0.1 octave.
    """
    places = np.log2(best) + 0.1 * rng.normal(size=num_seeds)
    octaves = np.log2(np.array(sizes))[:, np.newaxis] - places
    values = 0.95 - fall * octaves - fall / 4.8 * np.exp(-4.8 * octaves)
    values = np.maximum(values, 0.1) + noise * rng.normal(size=values.shape)
    return pd.DataFrame(values, index=sizes, columns=range(num_seeds))


class FindTest(parameterized.TestCase):
    @parameterized.parameters((_SIZES,), (_FINE_SIZES,), (_COARSE_SIZES,))
    def test_the_top_of_a_parabola_is_found_between_the_sizes(self, sizes):
        for true in np.exp(np.random.default_rng().uniform(np.log(8), np.log(128), 20)):
            best = optimum.find(_table(true, sizes))
            self.assertFalse(best.at_edge)
            np.testing.assert_allclose(best.place.logs, np.log(true), rtol=1e-8)
            self.assertAlmostEqual(best.shared_log, np.log(true), places=8)
            around = [s for s in sizes if best.lower <= s <= best.upper]
            self.assertEqual(around, [best.lower, best.batch_size, best.upper])
            nearest = min(sizes, key=lambda size: abs(np.log(size / true)))
            self.assertEqual(best.batch_size, nearest)

    def test_a_top_by_hand(self):
        # Of the parabola through (-1, 0.7), (0, 0.9), (1, 0.8): at 1/6.
        table = pd.DataFrame({0: [0.2, 0.7, 0.9, 0.8, 0.1]}, index=[1, 2, 4, 8, 16])
        (log,) = optimum.find(table).place.logs
        self.assertAlmostEqual(log / np.log(2), 2 + 1 / 6, places=12)

    @parameterized.parameters((1, 1, 1, 2), (1024, 1024, 512, 1024))
    def test_edges_are_flagged(self, best, expected, lower, upper):
        found = optimum.find(_table(best))
        self.assertTrue(found.at_edge)
        self.assertEqual(
            (found.batch_size, found.lower, found.upper), (expected, lower, upper)
        )
        np.testing.assert_allclose(found.place.logs, np.log(expected))

    def test_the_mean_over_seeds_decides_which_size_is_best(self):
        table = pd.DataFrame({0: [0.1, 0.9, 0.5], 1: [0.9, 0.1, 0.6]}, index=[1, 2, 4])
        best = optimum.find(table)
        self.assertEqual((best.batch_size, best.accuracy), (4, 0.55))
        # Seed 0: (0.1 - 0.5) / (2 (0.1 - 1.8 + 0.5)) = 1/6 of a step above 2; seed 1
        # has its best size at the edge.
        np.testing.assert_allclose(best.place.logs, np.log(2) * np.array([7 / 6, 0]))

    def test_curves_without_a_top_keep_their_best_size(self):
        # The least-squares parabola through these five opens upwards.
        curve = [0, 0.9, 0, 1, 0, 0.9, 0]
        table = pd.DataFrame({0: curve}, index=[1, 16, 23, 32, 45, 64, 128])
        self.assertEqual(optimum.find(table).place.logs, np.log(32))

    def test_the_shared_top_is_that_of_the_mean_curve(self):
        table = _table([16, 30, 70], num_seeds=3)
        table[0] += 0.3  # with a higher level; the shapes count
        # The mean of parabolas of one height is one, with its top at the mean place.
        self.assertAlmostEqual(
            optimum.find(table).shared_log, np.log([16, 30, 70]).mean(), places=8
        )

    def test_tops_stay_between_the_sizes_they_are_fitted_to(self):
        rng = np.random.default_rng()
        table = pd.DataFrame(rng.uniform(size=(18, 300)), index=_FINE_SIZES)
        found = optimum.find(table).place.logs
        best = np.log(table.idxmax().to_numpy(float))
        self.assertLessEqual(np.abs(found - best).max(), np.log(2.1))

    @parameterized.parameters((_SIZES, np.log(2)), (_FINE_SIZES, np.log(45 / 23) / 2))
    def test_seeds_that_agree_leave_the_spacing(self, sizes, step):
        value, *ends = optimum.find(_table(32, sizes)).place.estimate().interval()
        self.assertAlmostEqual(value, 32)
        reach = 1.959964 * 0.2 * step
        np.testing.assert_allclose(np.log(ends) - np.log(32), [-reach, reach])

    def test_seeds_widen_the_interval(self):
        best = 32 * np.exp(np.random.default_rng(0).normal(size=5) / 4)
        value, *ends = optimum.find(_table(best)).place.estimate().interval()
        self.assertAlmostEqual(np.log(value), np.log(best).mean())
        # Student's t of 4 degrees of freedom, and the normal error of the spacing.
        of_seeds = 2.776445 * np.log(best).std(ddof=1) / np.sqrt(5)
        reach = np.hypot(of_seeds, 1.959964 * 0.2 * np.log(2))
        np.testing.assert_allclose(np.log(ends) - np.log(value), [-reach, reach])
        estimate = optimum.find(_table(best)).place.estimate()
        of_seeds *= 1.533206 / 2.776445  # of both errors 80 % lie within
        reach = np.hypot(of_seeds, 1.281552 * 0.2 * np.log(2))
        ends = np.log(estimate.interval(0.8)[1:])
        np.testing.assert_allclose(ends - np.log(value), [-reach, reach], rtol=1e-6)


class BreakdownTest(parameterized.TestCase):
    @parameterized.named_parameters(
        # The middle between chance and 0.9 is 0.5.
        ("half_way", [0.1, 0.3, 0.7, 0.9], 2 * np.sqrt(2)),
        ("a_quarter", [0.1, 0.4, 0.8, 0.9], 2 * 2**0.25),
        ("the_largest_size_counts", [0.4, 0.9, 0.1, 0.9], 4 * np.sqrt(2)),
        ("nowhere", [0.8, 0.9, 0.9, 0.9], np.nan),
        ("best_at_a_size_below_which_all_fails", [0.9, 0.1, 0.1, 0.1], np.nan),
    )
    def test_by_hand(self, accuracies, expected):
        table = pd.DataFrame({0: accuracies, 1: accuracies}, index=[1, 2, 4, 8])
        found = optimum.breakdown(table, chance=0.1)
        np.testing.assert_allclose(np.exp(found.logs), expected)
        np.testing.assert_allclose(found.estimate().interval().value, expected)

    def test_the_spacing_is_that_where_it_is(self):
        accuracies = {0: [0.1, 0.1, 0.3, 0.7, 0.9], 1: [0.1, 0.1, 0.4, 0.8, 0.9]}
        table = pd.DataFrame(accuracies, index=[1, 2, 4, 12, 48])
        # Between 4 and 12; the neighbours of 12 are 4 and 48.
        found = optimum.breakdown(table, chance=0.1)
        self.assertAlmostEqual(found.spacing_error, 0.2 * np.log(48 / 4) / 2)

    def test_is_seen_on_each_seed(self):
        table = pd.DataFrame({0: [0.1, 0.3, 0.7, 0.9], 1: 0.9}, index=[1, 2, 4, 8])
        logs = optimum.breakdown(table, chance=0.1).logs
        np.testing.assert_allclose(np.exp(logs), [2 * np.sqrt(2), np.nan])


class AdvantageTest(absltest.TestCase):
    def test_without_noise(self):
        interval = optimum.advantage(_table(32), over=1024).interval()
        np.testing.assert_allclose(interval, 0.25, rtol=1e-12)

    def test_the_optimum_itself_has_none(self):
        found = optimum.advantage(_table(1024), over=1024)
        np.testing.assert_allclose(found.interval(), 0)

    def test_is_measured_on_a_seed_that_did_not_choose(self):
        table = pd.DataFrame(
            {0: [0.9, 0.1, 0.5], 1: [0.2, 0.8, 0.5], 2: [0.3, 0.6, 0.5]},
            index=[1, 2, 4],
        )
        # Without seed 0 the means are 0.25, 0.7, 0.5: size 2; without 1: 0.6, 0.35 and
        # 0.5: size 1; without 2: 0.55, 0.45, 0.5: size 1.
        interval = optimum.advantage(table, over=4).interval()
        self.assertAlmostEqual(interval.value, (-0.4 - 0.3 - 0.2) / 3, places=12)

    def test_one_seed_decides_nothing(self):
        found = optimum.advantage(_table(32, num_seeds=1), over=1024)
        interval = found.interval()
        self.assertEqual(interval[1:], (-np.inf, np.inf))
        self.assertAlmostEqual(interval.value, 0.25, places=12)

    def test_choosing_the_highest_of_equals_is_not_flattered(self):
        values, naive, held = [], [], []
        for trial in range(600):
            table = _table(32, height=0.0, noise=0.01, seed=trial)
            interval = optimum.advantage(table, over=1024).interval()
            values.append(interval.value)
            held.append(interval.lower > 0)
            means = table.mean(axis=1)
            naive.append(means.max() - means.loc[1024])
        error = np.std(values) / np.sqrt(len(values))
        self.assertLess(abs(np.mean(values)), 4 * error)
        self.assertGreater(np.mean(naive), 0.005)  # what would be seen otherwise
        # 2.5 % is meant; the five choices share seeds, so it may be a little more.
        self.assertLess(np.mean(held), 0.06)


class ExponentTest(parameterized.TestCase):
    @parameterized.parameters(-1.0, 0.0, 0.5, 1.0, 2.0)
    def test_a_power_law_without_noise(self, power):
        settings = [1.0, 4.0, 16.0]
        places = [optimum.find(_table(64 * (s / 4) ** power)).place for s in settings]
        value, *ends = optimum.exponent(settings, places).interval()
        self.assertAlmostEqual(value, power, places=8)
        # The slope from four octaves takes each end with a weight of a quarter.
        reach = 1.959964 * 0.2 * np.hypot(1, 1) / 4
        np.testing.assert_allclose(ends, [power - reach, power + reach])

    def test_one_seed_decides_nothing(self):
        places = [optimum.find(_table(size, num_seeds=1)).place for size in (16, 64)]
        fitted = optimum.exponent([1.0, 4.0], places).interval()
        self.assertAlmostEqual(fitted.value, 1.0, places=8)
        self.assertEqual(fitted[1:], (-np.inf, np.inf))

    def test_is_the_mean_of_the_seeds_least_squares_slopes(self):
        settings = np.array([1.0, 3.0, 10.0, 45.0])
        best = np.exp(np.random.default_rng().uniform(1.5, 5.5, size=(4, 5)))
        places = [optimum.find(_table(row)).place for row in best]
        slopes, _ = np.polyfit(np.log(settings), np.log(best), 1)
        estimate = optimum.exponent(settings, places)
        self.assertAlmostEqual(estimate.interval().value, slopes.mean(), places=8)

    def test_seeds_are_resampled_alike_for_all_settings(self):
        # Each seed has its own optimum at setting 1, and the same exponent.
        settings = np.array([0.5, 1.0, 2.0, 4.0])
        own = 32 * np.exp(np.random.default_rng(1).uniform(-0.6, 0.6, size=6))
        tables = [_table(own * setting, num_seeds=6) for setting in settings]
        places = [optimum.find(table).place for table in tables]
        drawn = optimum.exponent(settings, places).resampled()
        np.testing.assert_allclose(drawn.values, 1, rtol=1e-6)
        # So is nothing but the spacing in the interval; seeds drawn anew for each
        # setting would spread by a tenth.
        errors = 0.2 * np.log(2) * np.ones(4)
        centred = np.log(settings) - np.log(settings).mean()
        reach = 1.959964 * np.linalg.norm(errors * centred) / (centred**2).sum()
        np.testing.assert_allclose(drawn.upper - drawn.lower, 2 * reach, rtol=1e-6)

    @parameterized.product(
        sizes=(_SIZES, _FINE_SIZES),
        # As on MNIST and on the digits.
        fall_and_noise=((0.009, 0.003), (0.0025, 0.002)),
    )
    def test_curves_of_known_optimum(self, sizes, fall_and_noise):
        settings = [1.0, 2.0, 5.0, 10.0, 20.0]
        rng = np.random.default_rng(0)
        errors, covered, factors, of_best_sizes = [], [], [], []
        for _ in range(40):
            base = 4 * 2 ** rng.uniform()  # so that the sizes fall differently
            tables = [_cliff(base * s, sizes, *fall_and_noise, rng) for s in settings]
            best = [optimum.find(table) for table in tables]
            value, lower, upper = optimum.exponent(
                settings, [found.place for found in best]
            ).interval()
            errors.append(value - 1)
            covered.append(lower <= 1 <= upper)
            tried = np.log([found.batch_size for found in best])
            of_best_sizes.append(optimum.slope(settings, tried) - 1)
            factors += [
                np.exp(found.place.logs.mean()) / (base * setting)
                for found, setting in zip(best, settings, strict=True)
            ]
        # 95 % is meant, and spacings are uniform rather than normal errors.
        self.assertGreaterEqual(np.mean(covered), 0.92)
        rms = np.sqrt(np.mean(np.square(errors)))
        self.assertLess(rms, 0.08 if sizes is _SIZES else 0.05)
        without_parabola = np.sqrt(np.mean(np.square(of_best_sizes)))
        self.assertLess(rms, without_parabola)
        self.assertLess(abs(np.mean(errors)), 4 * rms / np.sqrt(40))  # no bias
        self.assertBetween(np.exp(np.mean(np.log(factors))), 1.25, 1.6)

    def test_flat_accuracies_decide_nothing(self):
        settings = [0.1, 0.3, 1.0, 3.0]
        verdicts = []
        for trial in range(100):
            tables = [
                _table(32, height=0.0, noise=0.01, seed=10 * trial + k)
                for k in range(4)
            ]
            places = [optimum.find(table).place for table in tables]
            estimate = optimum.exponent(settings, places)
            judged = claims.scales_as("", "", estimate, 1, (0.75, 1.25), (0, 0.5, 2))
            verdicts.append(judged.verdict)
        self.assertLess(np.mean([v == claims.HOLDS for v in verdicts]), 0.05)

    @parameterized.parameters(0, 1)
    def test_too_few_optima(self, number):
        places = [optimum.find(_table(32)).place] * number
        interval = optimum.exponent([1.0] * number, places).interval()
        self.assertTrue(np.isnan(interval.value))
        self.assertEqual(interval[1:], (-np.inf, np.inf))


if __name__ == "__main__":
    absltest.main()
