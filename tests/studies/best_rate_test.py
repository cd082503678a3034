"""Tests of how sure an optimal rate is: by hand, slow twins, and their coverage."""

import math

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import statistics
from bsgen.studies import best_rate, best_runs
from tests.studies import rate_sweeps

_NAN = float("nan")
_CURVE = {0.5: 0.7, 1.0: 0.85, 2.0: 0.9, 4.0: 0.87, 8.0: 0.3}


def _sweep(table, keep, worst=0.1, higher=True):
    count = len(next(iter(table.values())))
    selection = best_runs.Selection(keep, count, higher_is_better=higher, worst=worst)
    return best_runs.sweep(rate_sweeps.runs(table), selection)


def _drawn(made, rng, shared=0.0):
    """A sweep with standard normal runs around another's, and what a seed adds."""
    noise = rng.normal(size=made.values.shape)
    return made._replace(
        values=made.values + noise + shared * rng.normal(size=noise.shape[1])
    )


class ScoreTest(parameterized.TestCase):
    def test_all_runs_at_one_rate_are_students_t(self):
        samples = np.random.default_rng(0).normal(size=6)
        found = _sweep({1.0: samples, 2.0: samples - 9}, 6)
        expected = statistics.mean_interval(samples)
        np.testing.assert_allclose(
            best_rate.score(found).interval(), expected, rtol=1e-12
        )
        losses = best_rate.score(found, "final_train_cross_entropy").interval()
        np.testing.assert_allclose(losses.value, 1 - expected.value)

    def test_covers_the_mean_of_the_best(self):
        # The mean of the best 6 of 8 standard normal runs, from many.
        rng = np.random.default_rng(1)
        best = np.sort(rng.normal(size=(200_000, 8)), axis=1)[:, 2:].mean()
        made = _sweep({1.0: np.zeros(8), 2.0: np.full(8, -9.0)}, 6)
        hits = []
        for _ in range(400):
            interval = best_rate.score(_drawn(made, rng)).interval()
            hits.append(interval.lower <= best <= interval.upper)
        # 0.95, by four standard errors of 400; the jackknife of 8 is a little narrow.
        self.assertBetween(np.mean(hits), 0.95 - 4 * 0.011 - 0.01, 0.95 + 4 * 0.011)

    @parameterized.parameters((8, 6), (30, 24))
    def test_covers_where_many_rates_are_as_good(self, number, keep):
        # Against a sweep with a single good rate, where nothing is chosen.
        many = _sweep({2.0**k: np.zeros(number) for k in range(5)}, keep)
        one = _sweep({1.0: np.zeros(number), 2.0: np.full(number, -9.0)}, keep)
        rng = np.random.default_rng(8)
        hits, biases, flattered = [], [], []
        equal = np.full((1, number), 1 / number)
        for _ in range(300):
            pair = _drawn(many, rng), _drawn(one, rng)
            gain = best_rate.gain(*pair).interval()
            hits.append(gain.lower <= 0 <= gain.upper)
            biases.append(gain.value)
            first, second = (best_rate.at_optimum(each, equal)[0] for each in pair)
            flattered.append(first - second)
        # Some of what the choice of the highest of five adds is taken off.
        self.assertBetween(np.mean(biases), 0.0, 0.85 * np.mean(flattered))
        # 0.95, by four standard errors of 300, and 0.03 for what is left of the bias.
        self.assertGreater(np.mean(hits), 0.95 - 4 * 0.0126 - 0.03)

    def test_losses_that_one_seed_makes_infinite(self):
        table = {1.0: [0.1, 0.2, _NAN], 2.0: [_NAN, _NAN, _NAN]}
        found = _sweep(table, 2, math.inf, higher=False)
        expected = (0.15, -math.inf, math.inf)
        np.testing.assert_allclose(best_rate.score(found).interval(), expected)
        # The smaller rate is the best one if any is, and none below it was tried.
        np.testing.assert_allclose(best_rate.rate(found).interval(), (1, 0, 1))

    def test_gain_is_paired_by_seed(self):
        rng = np.random.default_rng(2)
        first = rng.normal(size=5)
        second = first - 0.3 + 1e-3 * rng.normal(size=5)
        gain = best_rate.gain(_sweep({1.0: first}, 5), _sweep({4.0: second}, 5))
        expected = statistics.mean_interval(first - second)
        np.testing.assert_allclose(gain.interval(), expected, rtol=1e-9)
        with self.assertRaisesRegex(ValueError, "different seeds"):
            best_rate.gain(_sweep({1.0: first}, 5), _sweep({1.0: first[:4]}, 4))


class RateTest(parameterized.TestCase):
    def test_rates_that_are_not_surely_worse(self):
        rng = np.random.default_rng(3)
        counts = []
        for _ in range(20):
            table = {r: m + 0.05 * rng.normal(size=4) for r, m in _CURVE.items()}
            found = _sweep(table, 4)
            near = []
            for rate, values in table.items():
                behind = statistics.mean_interval(table[found.best] - values)
                near += [rate] * (behind.lower <= 0 or rate == found.best)
            interval = best_rate.rate(found).interval()
            low = 0 if near[0] == 0.5 else near[0]  # no lower one was tried
            high = math.inf if near[-1] == 8.0 else near[-1]
            np.testing.assert_allclose(interval, (found.best, low, high))
            counts.append(len(near))
        self.assertGreater(len(set(counts)), 2)

    def test_between_the_rates(self):
        # A parabola in log2(rate) with its top at 2^1.25.
        exponents = np.arange(-1.0, 5)
        table = {2.0**x: [0.9 - 0.1 * (x - 1.25) ** 2] * 2 for x in exponents}
        interval = best_rate.log_rate(_sweep(table, 2), between=True).interval()
        expected = np.log(2) * np.array([1.25, 0.5, 1.5])
        np.testing.assert_allclose(interval, expected)

    @parameterized.parameters((math.inf, False), (-math.inf, True))
    def test_beside_rates_that_diverge(self, worst, higher):
        # The parabola through 0.1, 0.3 and 0.4, a step apart: half a step above.
        scores = {0.5: [0.1, 0.2], 1.0: [0.3, 0.4], 2.0: [0.4, 0.5]}
        table = {r: v if higher else np.negative(v) for r, v in scores.items()}
        found = _sweep({**table, 4.0: [_NAN, _NAN]}, 1, worst, higher)
        estimate = best_rate.log_rate(found, between=True)
        np.testing.assert_allclose(
            estimate.interval(), np.log(2) * np.array([1.5, 0.5, 1.5]), rtol=1e-9
        )
        self.assertEqual(best_rate.moves(found).share, 0.0)

    def test_a_single_seed_tells_no_ends(self):
        found = _sweep({r: [m] for r, m in _CURVE.items()}, 1)
        self.assertEqual(best_rate.rate(found).interval(), (2.0, 0.0, math.inf))
        self.assertEqual(best_rate.moves(found).share, 0.0)

    def test_an_edge_is_the_optimum_itself(self):
        for table in ({1.0: [0.5, 0.5], 2.0: [0.6, 0.6]}, {2.0: [0.6, 0.6]}):
            value = best_rate.rate(_sweep(table, 2), between=True).interval().value
            self.assertAlmostEqual(value, 2.0)

    def test_covers_the_best_rate(self):
        # Two rates are equally good, in truth; each is covered.
        curve = {0.5: 6.0, 1.0: 8.0, 2.0: 9.0, 4.0: 9.0, 8.0: 5.0}
        made = _sweep({rate: np.full(8, mean) for rate, mean in curve.items()}, 6)
        rng = np.random.default_rng(4)
        hits = []
        for _ in range(300):
            interval = best_rate.log_rate(_drawn(made, rng, shared=1.0)).interval()
            hits.append(interval.lower <= math.log(2) and math.log(4) <= interval.upper)
        # At least 0.95 by four standard errors: the two-sided test of two rates.
        self.assertGreater(np.mean(hits), 0.95 - 4 * 0.0126 - 0.01)

    def test_ratio(self):
        low, high = [0.1] * 3, [0.5] * 3
        first = _sweep({1.0: low, 2.0: high, 4.0: [0.5, 0.4, 0.6], 8.0: low}, 3)
        second = _sweep({0.5: low, 1.0: high, 2.0: low}, 3)
        np.testing.assert_allclose(best_rate.rate(first).interval(), (2, 2, 4))
        found = best_rate.ratio(first, second).interval()
        np.testing.assert_allclose(found, (2, 2, 4))
        # In log2 the tops lie at 1.5 and 0, within [0.5, 2.5] and [-0.5, 0.5].
        found = best_rate.ratio(first, second, between=True).interval()
        reach = math.hypot(1, 0.5)
        expected = 2.0 ** np.array([1.5, 1.5 - reach, 1.5 + reach])
        np.testing.assert_allclose(found, expected)

    def test_a_ratio_has_no_end_where_a_grid_ends(self):
        low, high = [0.1] * 3, [0.5] * 3
        inside = _sweep({0.5: low, 1.0: high, 2.0: low}, 3)
        top = _sweep({0.5: low, 1.0: low, 4.0: high}, 3)
        for between in (False, True):
            above = best_rate.ratio(top, inside, between).interval()
            self.assertEqual((above.value, above.upper), (4.0, math.inf))
            self.assertBetween(above.lower, 1.0, 4.0)
            below = best_rate.ratio(inside, top, between).interval()
            self.assertEqual((below.value, below.lower), (0.25, 0.0))

    def test_resampled_draws_are_intervals_of_their_seeds(self):
        rng = np.random.default_rng(6)
        table = {r: m + 0.05 * rng.normal(size=5) for r, m in _CURVE.items()}
        whole = best_rate.log_rate(_sweep(table, 4), between=True)
        chosen = rng.integers(5, size=(6, 5))
        values = whole.procedure(chosen, 0.95).values
        for row, value in zip(chosen, values, strict=True):
            drawn = _sweep({r: values[row] for r, values in table.items()}, 4)
            again = best_rate.log_rate(drawn, between=True).interval().value
            self.assertAlmostEqual(value, again)


class MovesTest(absltest.TestCase):
    def test_against_bootstrap_draws_one_by_one(self):
        rng = np.random.default_rng(7)
        table = {r: m + 0.05 * rng.normal(size=6) for r, m in _CURVE.items()}
        found = _sweep(table, 5)
        moves = best_rate.moves(found)
        self.assertAlmostEqual(moves.chances.sum(), 1.0)
        self.assertAlmostEqual(moves.share, 1 - moves.chances[found.best])
        count = 1000
        values = np.array([*table.values()])
        best = []
        for _ in range(count):
            drawn = np.sort(values[:, rng.integers(6, size=6)], axis=1)
            best.append([*table][drawn[:, 1:].mean(axis=1).argmax()])
        for rate, chance in moves.chances.items():
            # Two shares of 1000 draws differ by four standard errors at most.
            error = math.sqrt(2 * 0.25 / count)
            self.assertAlmostEqual(
                chance, np.mean(np.equal(best, rate)), delta=4 * error
            )
        self.assertBetween(moves.share, 0.02, 0.8)


if __name__ == "__main__":
    absltest.main()
