"""Tests of the estimates: closed forms, scipy's, and their coverage."""

import math

import numpy as np
from absl.testing import absltest, parameterized
from scipy import stats

from bsgen import statistics
from bsgen.studies import estimates


class MeanTest(parameterized.TestCase):
    @parameterized.parameters(2, 5, 17)
    def test_is_the_mean_interval(self, count):
        samples = np.random.default_rng(count).normal(size=count)
        found = estimates.mean(samples).interval()
        np.testing.assert_allclose(found, statistics.mean_interval(samples), rtol=1e-12)

    @parameterized.parameters(0, 1)
    def test_too_few_tell_nothing(self, count):
        found = estimates.mean([0.7] * count).interval()
        expected = (0.7 if count else math.nan, -math.inf, math.inf)
        np.testing.assert_array_equal(found, expected)

    def test_confidence_widens_it(self):
        found = estimates.mean([1.0, 2.0, 4.0])
        low, high = stats.t.interval(0.8, 2, np.mean([1, 2, 4]), stats.sem([1, 2, 4]))
        np.testing.assert_allclose(found.interval(0.8)[1:], (low, high), rtol=1e-12)

    def test_geometric(self):
        logs = np.log([0.5, 2.0, 8.0])
        found = estimates.geometric_mean(logs).interval()
        expected = np.exp(statistics.mean_interval(logs))
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        self.assertEqual(estimates.geometric_mean([0.0]).interval(), (1, 0, math.inf))

    def test_geometric_at_another_confidence(self):
        logs = np.array([0.2, 1.0, 2.5])
        found = estimates.geometric_mean(logs).interval(0.8)
        expected = stats.t.interval(0.8, 2, logs.mean(), stats.sem(logs))
        np.testing.assert_allclose(found[1:], np.exp(expected), rtol=1e-12)

    def test_words(self):
        found = estimates.geometric_mean([0.1] * 4, paired=True, unit="searches")
        words = "95 % t interval over 4 searches, paired, of the logarithm"
        self.assertEqual(found.method, words)


class ResampledTest(absltest.TestCase):
    def test_each_draw_is_the_interval_of_its_seeds(self):
        samples = np.array([0.3, 1.0, 5.0, 2.2])
        chosen = np.array([[0, 1, 2, 3], [3, 3, 0, 1], [2, 2, 2, 2]])
        ends = estimates.mean(samples).procedure(chosen, 0.9)
        for row, *found in zip(chosen, *ends, strict=True):
            drawn = samples[row]
            reach = stats.t.ppf(0.95, 3) * stats.sem(drawn)
            expected = drawn.mean() + reach * np.array([0, -1, 1])
            np.testing.assert_allclose(found, expected, rtol=1e-12)

    def test_draws_are_the_same_each_time_and_with_replacement(self):
        found = estimates.mean(np.arange(6.0))
        first, second = found.resampled(), found.resampled()
        np.testing.assert_array_equal(first, second)
        # The standard deviation of a mean of 6 drawn of 0 to 5, over 1000 draws.
        self.assertAlmostEqual(
            first.values.std(), math.sqrt(35 / 12 / 6), delta=4 * 0.7 / math.sqrt(2000)
        )


class MedianTest(parameterized.TestCase):
    @parameterized.parameters(*range(6))
    def test_fewer_than_six_tell_nothing(self, count):
        found = estimates.median(np.ones(count)).interval()
        self.assertEqual(found[1:], (-math.inf, math.inf))

    @parameterized.parameters((6, 0), (8, 0), (9, 1), (10, 1), (20, 5))
    def test_ends_at_order_statistics(self, count, place):
        samples = np.random.default_rng(count).permutation(np.arange(float(count)))
        _, low, high = estimates.median(samples).interval()
        self.assertEqual((low, high), (place, count - 1 - place))
        # Tables of the sign test: the most on either side with 2.5 % at most.
        self.assertLessEqual(stats.binom.cdf(place, count, 0.5), 0.025)
        self.assertGreater(stats.binom.cdf(place + 1, count, 0.5), 0.025)

    def test_confidence_narrows_it(self):
        # Of ten fair coins at most 3 show heads with 17 %, at most 4 with 38 %.
        _, low, high = estimates.median(np.arange(10.0)).interval(0.5)
        self.assertEqual((low, high), (3, 6))

    def test_covers_the_median_of_a_skewed_distribution(self):
        draws = np.random.default_rng(0).exponential(size=(2000, 10))
        found = [estimates.median(row).interval() for row in draws]
        covered = np.mean([low <= math.log(2) <= high for _, low, high in found])
        # 1 - 2 (1 + 10) / 2^10 exactly; the standard error of the share is 0.0032.
        self.assertAlmostEqual(covered, 1 - 22 / 1024, delta=4 * 0.0032)


class RatioOfMeansTest(parameterized.TestCase):
    @parameterized.parameters(4, 8, 30)
    def test_ends_are_where_the_difference_is_on_the_edge_of_t(self, count):
        rng = np.random.default_rng(count)
        below = rng.normal(5, 0.5, count)
        above = 0.4 * below + rng.normal(0, 1, count)
        found = estimates.ratio_of_means(above, below).interval()
        self.assertAlmostEqual(found.value, above.mean() / below.mean())
        for ratio in found[1:]:
            p_value = stats.ttest_1samp(above - ratio * below, 0).pvalue
            self.assertAlmostEqual(p_value, 0.05, places=9)

    def test_of_equal_and_of_no_numerators(self):
        below = np.array([1.0, 2.0, 4.0, 2.0])
        np.testing.assert_allclose(
            estimates.ratio_of_means(below, below).interval(), [1, 1, 1], atol=1e-7
        )
        found = estimates.ratio_of_means(np.zeros(4), below).interval()
        np.testing.assert_allclose(found, [0, 0, 0], atol=1e-7)

    def test_a_denominator_that_may_be_nothing_leaves_it_open(self):
        below = np.array([1.0, -1.0, 2.0, -1.5])
        found = estimates.ratio_of_means(np.ones(4), below).interval()
        self.assertEqual(found[1:], (-math.inf, math.inf))

    @parameterized.parameters(0, 1)
    def test_too_few_tell_nothing(self, count):
        found = estimates.ratio_of_means([1.0] * count, [2.0] * count).interval()
        self.assertEqual(found[1:], (-math.inf, math.inf))

    def test_each_draw_is_the_interval_of_its_seeds(self):
        above, below = np.array([[1.0, 2.0, 1.5, 0.7], [3.0, 4.1, 3.6, 2.9]])
        chosen = np.array([[0, 1, 2, 3], [1, 1, 0, 2]])
        ends = estimates.ratio_of_means(above, below).procedure(chosen, 0.95)
        for row, *found in zip(chosen, *ends, strict=True):
            expected = estimates.ratio_of_means(above[row], below[row]).interval()
            np.testing.assert_allclose(found, expected, rtol=1e-12)

    def test_covers_where_the_denominator_is_small(self):
        rng = np.random.default_rng(0)
        below = rng.normal(1, 1.5, (2000, 8))
        above = 0.5 + rng.normal(0, 1, (2000, 8))
        found = [
            estimates.ratio_of_means(*pair).interval()
            for pair in zip(above, below, strict=True)
        ]
        covered = np.mean([low <= 0.5 <= high for _, low, high in found])
        # Exactly 95 %, but that intervals without end cover always, here some 20 %; the
        # standard error is 0.005. The jackknife's would cover no more than this.
        self.assertGreater(covered, 0.95 - 4 * 0.005)


class ShareTest(parameterized.TestCase):
    @parameterized.parameters((0, 10), (10, 10), (3, 20), (1, 1))
    def test_is_the_exact_interval(self, number, count):
        hits = np.arange(count) < number
        found = estimates.share(hits).interval()
        test = stats.binomtest(number, count)
        expected = test.proportion_ci(0.95, "exact")
        np.testing.assert_allclose(found, (number / count, *expected), rtol=1e-9)

    def test_at_another_confidence(self):
        found = estimates.share([True] * 3 + [False] * 9).interval(0.8)
        expected = stats.binomtest(3, 12).proportion_ci(0.8, "exact")
        np.testing.assert_allclose(found[1:], expected, rtol=1e-9)

    def test_of_nothing(self):
        found = estimates.share([]).interval()
        np.testing.assert_array_equal(found, (math.nan, -math.inf, math.inf))


class ExtremeTest(absltest.TestCase):
    def test_takes_the_ends_that_lie_furthest_out(self):
        samples = np.random.default_rng(0).normal([1.0, 0.8, 3.0], [3, 0.1, 1], (9, 3))
        each = [estimates.mean(column) for column in samples.T]
        found = estimates.least(each)
        intervals = [one.interval() for one in each]
        self.assertEqual(found.interval(), tuple(np.min(intervals, axis=0)))
        # The wide one has the lowest lower end, the exact one the lowest upper end.
        self.assertEqual(found.interval().lower, intervals[0].lower)
        self.assertEqual(found.interval().upper, intervals[1].upper)
        greatest = estimates.greatest(each).interval()
        self.assertEqual(greatest, tuple(np.max(intervals, axis=0)))
        drawn = [one.resampled(5) for one in each]
        lowest = np.min([one.lower for one in drawn], axis=0)
        np.testing.assert_array_equal(found.resampled(5).lower, lowest)


class JackknifeTest(absltest.TestCase):
    def test_of_a_mean_is_its_t_interval(self):
        samples = np.random.default_rng(3).normal(size=7)
        found = estimates.jackknife(lambda weights: weights @ samples, 7)
        expected = estimates.mean(samples)
        np.testing.assert_allclose(found.interval(), expected.interval(), rtol=1e-10)
        for one, other in zip(found.resampled(), expected.resampled(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)

    def test_of_a_ratio_of_means_is_a_slow_twin(self):
        rng = np.random.default_rng(4)
        above, below = rng.uniform(1, 2, size=(2, 6))
        found = estimates.jackknife(lambda w: (w @ above) / (w @ below), 6).interval()
        without = np.array(
            [np.delete(above, k).mean() / np.delete(below, k).mean() for k in range(6)]
        )
        reach = stats.t.ppf(0.975, 5) * statistics.jackknife_error(without)
        value = above.mean() / below.mean()
        expected = (value, value - reach, value + reach)
        np.testing.assert_allclose(found, expected, rtol=1e-10)

    def test_seeds_that_were_not_drawn_cannot_be_left_out(self):
        # A negative weight of the last seed would make the mean negative.
        samples = np.array([1.0, 2.0, 1.5, 90.0])
        found = estimates.jackknife(lambda weights: np.log(weights @ samples), 4)
        chosen = np.array([[0, 1, 2, 0]])
        drawn = samples[chosen[0]]
        without = [np.log(np.delete(drawn, k).mean()) for k in range(4)]
        reach = stats.t.ppf(0.975, 3) * statistics.jackknife_error(without)
        value = np.log(drawn.mean())
        expected = [[value], [value - reach], [value + reach]]
        np.testing.assert_allclose(found.procedure(chosen, 0.95), expected, rtol=1e-12)

    def test_one_seed_tells_nothing(self):
        found = estimates.jackknife(lambda weights: weights @ [2.0], 1).interval()
        self.assertEqual(found, (2, -math.inf, math.inf))


if __name__ == "__main__":
    absltest.main()
