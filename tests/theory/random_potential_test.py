"""Tests of the exponent of the loss's spread, of its bins, and of Taylor's moments."""

import numpy as np
from absl.testing import absltest, parameterized
from scipy import optimize

from bsgen import errors, statistics, theory


def _points(rng, count, exponent, scale=0.3, largest=4.0):
    distances = rng.uniform(0.0, largest, count)
    return distances, scale * distances**exponent * rng.normal(size=count)


class FitTest(parameterized.TestCase):
    @parameterized.parameters(0.5, 1.0, 2.0)
    def test_an_exact_law_is_met_exactly(self, exponent):
        rng = np.random.default_rng(0)
        distances = rng.uniform(0.01, 3, 50)
        signs = rng.choice([-1, 1], 50)
        found = theory.fit_spread(distances, signs * 0.7 * distances**exponent)
        self.assertAlmostEqual(found.exponent, exponent, places=9)
        self.assertAlmostEqual(found.alpha, 2 * exponent, places=9)
        self.assertAlmostEqual(found.scale, 0.7, places=9)
        self.assertAlmostEqual(found.standard_error, 0.0, places=9)
        np.testing.assert_allclose(found.at([2.0]), 0.7 * 2**exponent)

    def test_agrees_with_a_direct_search_and_refits(self):
        distances, differences = _points(np.random.default_rng(1), 40, 0.8)

        def slow(z, d):
            def cost(at):
                log_square = at[0] + at[1] * np.log(z)
                return np.sum(log_square + d**2 * np.exp(-log_square))

            return optimize.minimize(
                cost, [0.0, 1.0], method="Nelder-Mead", tol=1e-12
            ).x

        found = theory.fit_spread(distances, differences)
        intercept, alpha = slow(distances, differences)
        self.assertAlmostEqual(found.alpha, alpha, places=5)
        self.assertAlmostEqual(found.scale, np.exp(intercept / 2), places=5)
        left_out = [
            slow(np.delete(distances, i), np.delete(differences, i))[1] / 2
            for i in range(40)
        ]
        exact = float(statistics.jackknife_error(left_out))
        # One Newton step leaves out a point up to O(1 / D^2) of the estimate.
        self.assertAlmostEqual(found.standard_error / exact, 1.0, delta=0.05)

    @parameterized.parameters("normal", "two_values", "exponential")
    def test_finds_the_exponent_of_any_distribution(self, kind):
        rng = np.random.default_rng(2)
        draw = {
            "normal": rng.normal,
            "two_values": lambda size: rng.choice([-1.0, 1.0], size),
            "exponential": lambda size: rng.exponential(size=size),  # mean not 0
        }[kind]
        found = []
        for _ in range(200):
            distances = rng.uniform(0, 3, 300)
            differences = 0.2 * distances**1.3 * draw(size=300)
            found.append(theory.fit_spread(distances, differences))
        exponents = np.array([each.exponent for each in found])
        errors_found = np.array([each.standard_error for each in found])
        score = (exponents.mean() - 1.3) / (exponents.std() / np.sqrt(200) + 1e-9)
        self.assertLess(abs(score), 3.5)
        if kind == "two_values":
            return  # exact
        # The spread of 200 estimates is known to 1 / sqrt(400), 5 %.
        self.assertAlmostEqual(
            np.sqrt(np.mean(errors_found**2)) / exponents.std(), 1.0, delta=0.2
        )
        covered = [each.interval.lower < 1.3 < each.interval.upper for each in found]
        self.assertBetween(np.mean(covered), 0.89, 0.99)
        if kind == "normal":
            # sqrt(2 / D) for alpha, log z of standard deviation 1; half for alpha / 2.
            expected = np.sqrt(2 / 300) / 2
            self.assertAlmostEqual(exponents.std() / expected, 1.0, delta=0.2)

    def test_units_do_not_matter(self):
        distances, differences = _points(np.random.default_rng(3), 60, 1.0)
        found = theory.fit_spread(distances, differences)
        scaled = theory.fit_spread(1e3 * distances, 1e-9 * differences)
        self.assertAlmostEqual(scaled.exponent, found.exponent, places=8)
        self.assertAlmostEqual(
            scaled.at(2e3).item() / found.at(2).item(), 1e-9, delta=1e-16
        )
        self.assertAlmostEqual(scaled.standard_error, found.standard_error, places=8)

    def test_rejects(self):
        distances, differences = _points(np.random.default_rng(4), 30, 1.0)
        for pattern, z, d in (
            ("distances='9 points': a fit needs 10", distances[:9], differences[:9]),
            ("differences=0.0: the loss is the same", distances, 0 * differences),
            ("differences=.*no power law", distances, 1.0 * (np.arange(30) == 3)),
            ("distances=0.0: give a finite number above 0", 0 * distances, distances),
            ("differences=nan", distances, np.nan * differences),
            ("differences=", distances, differences[1:]),
        ):
            with self.assertRaisesRegex(errors.UserError, pattern):
                theory.fit_spread(z, d)


class BinsTest(parameterized.TestCase):
    def test_by_hand(self):
        found = theory.bin_differences([0.5, 1.5, 1.0, 4.0], [1, -2, 4, 3], 4.0, 4)
        np.testing.assert_array_equal(found.counts, [1, 2, 0, 1])
        np.testing.assert_array_equal(found.centres, [0.5, 1.5, 2.5, 3.5])
        root = np.sqrt((1.5**2 + 1) / 2)
        np.testing.assert_allclose(found.distances, [0.5, root, np.nan, 4.0])
        np.testing.assert_allclose(found.std, [1, np.sqrt(10), np.nan, 3])
        np.testing.assert_allclose(found.mean, [1, 1, np.nan, 3])
        # Squares 4 and 16: their mean has the standard error 6; over 2 sqrt(10).
        error = 6 / (2 * np.sqrt(10))
        np.testing.assert_allclose(
            found.standard_error, [np.inf, error, np.nan, np.inf]
        )
        scatter = np.sqrt(18)
        np.testing.assert_allclose(
            found.std_about_mean, [np.nan, scatter, np.nan, np.nan]
        )

    @parameterized.parameters(3, 10, 40)
    def test_a_linear_law_has_the_slope_one_at_any_number_of_bins(self, num_bins):
        rng = np.random.default_rng(num_bins)
        distances = rng.uniform(0.0, 3.0, 400)
        found = theory.bin_differences(distances, -0.4 * distances, 3.0, num_bins)
        np.testing.assert_allclose(found.std, 0.4 * found.distances)
        self.assertAlmostEqual(found.exponent, 1.0)

    def test_the_slope_counts_each_bin_as_often_as_it_has_points(self):
        distances, differences = _points(np.random.default_rng(8), 25, 1.0)
        found = theory.bin_differences(distances, differences, 4.0, 6)
        self.assertGreater(len({*found.counts}), 2)
        slope = np.polyfit(
            np.log(np.repeat(found.distances, found.counts)),
            np.log(np.repeat(found.std, found.counts)),
            1,
        )[0]
        self.assertAlmostEqual(found.exponent, slope)

    def test_rejects(self):
        with self.assertRaisesRegex(errors.UserError, "num_bins=0"):
            theory.bin_differences([1.0], [1.0], 2.0, 0)
        with self.assertRaisesRegex(errors.UserError, "max_distance=0.5.*at 1"):
            theory.bin_differences([1.0], [1.0], 0.5, 2)


class MeanTest(absltest.TestCase):
    def test_an_even_mean_is_taken_out(self):
        distances = np.random.default_rng(5).uniform(0, 2, 100)
        mean = 0.3 * distances**2 - 0.02 * distances**4
        np.testing.assert_allclose(theory.about_mean(distances, mean), 0, atol=1e-12)

    def test_scatter_about_a_mean_that_prevails(self):
        rng = np.random.default_rng(6)
        distances, differences = _points(rng, 2000, 1.0)
        shifted = differences + 2 * distances**2
        # With the mean the exponent is nearer to 2; without, it is that of the scatter.
        self.assertGreater(theory.fit_spread(distances, shifted).exponent, 1.5)
        left = theory.about_mean(distances, shifted)
        found = theory.fit_spread(distances, left)
        self.assertLess(abs(found.exponent - 1.0), 3.5 * found.standard_error)


class SphereMomentsTest(absltest.TestCase):
    def test_a_quadratic_by_drawing_directions(self):
        rng = np.random.default_rng(7)
        size, count = 6, 200_000
        gradient, root = rng.normal(size=size), rng.normal(size=(size, size))
        hessian = root + root.T
        directions = rng.normal(size=(count, size))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        distance = 1.7
        drawn = distance * directions @ gradient
        bent = np.einsum("ni,ij,nj->n", directions, hessian, directions)
        drawn += distance**2 / 2 * bent
        found = theory.sphere_moments(
            distance,
            size,
            np.linalg.norm(gradient),
            np.trace(hessian),
            np.linalg.norm(hessian),
        )
        error = drawn.std() / np.sqrt(count)
        self.assertLess(abs(drawn.mean() - found.mean), 4 * error)
        squares = drawn**2
        error = squares.std() / np.sqrt(count)
        self.assertLess(abs(squares.mean() - found.std**2), 4 * error)
        self.assertAlmostEqual(
            float(found.first_order_std),
            distance * np.linalg.norm(gradient) / np.sqrt(size),
        )

    def test_rejects(self):
        with self.assertRaisesRegex(errors.UserError, "num_parameters=0"):
            theory.sphere_moments(1.0, 0, 1.0, 1.0, 1.0)


if __name__ == "__main__":
    absltest.main()
