"""Tests of least squares with correlated residuals against dense matrices."""

from unittest import mock

import numpy as np
from absl.testing import absltest
from scipy import stats

from bsgen.theory import correlated_residuals


def _correlation(places, length):
    return np.exp(-np.abs(places[:, np.newaxis] - places) / length)


class CorrelatedResidualsTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(0)
        self.places = np.cumsum(rng.uniform(0.1, 0.6, size=15))
        designs = [np.stack([np.ones(15), self.places**k], axis=1) for k in (0.5, 1, 2)]
        self.designs = np.stack(designs)
        noise = np.linalg.cholesky(_correlation(self.places, 0.7)) @ rng.normal(size=15)
        self.values = designs[1] @ [2.0, 1.5] + 0.4 * noise

    def _restricted(self, design, length):
        """Logarithm of a restricted likelihood, without its constants."""
        correlation = _correlation(self.places, length)
        solved = np.linalg.solve(correlation, design)
        normal = design.T @ solved
        rest = self.values - design @ np.linalg.solve(normal, solved.T @ self.values)
        square = rest @ np.linalg.solve(correlation, rest)
        log_det = [np.linalg.slogdet(m)[1] for m in (correlation, normal)]
        unit = np.linalg.slogdet(design.T @ design)[1]
        return -13 / 2 * np.log(square) - (sum(log_det) - unit) / 2

    def test_fit_is_generalized_least_squares(self):
        found = correlated_residuals.fit(self.places, self.values, self.designs)
        design = self.designs[found.place]
        correlation = _correlation(self.places, found.length)
        solved = np.linalg.solve(correlation, design)
        coefficients = np.linalg.solve(design.T @ solved, solved.T @ self.values)
        np.testing.assert_allclose(found.coefficients, coefficients, rtol=1e-9)
        rest = self.values - design @ coefficients
        variance = rest @ np.linalg.solve(correlation, rest) / 15
        density = stats.multivariate_normal(
            design @ coefficients, variance * correlation
        )
        likelihood = density.logpdf(self.values)
        np.testing.assert_allclose(found.log_likelihood, likelihood, rtol=1e-9)

    def test_fit_takes_the_best_design_and_length(self):
        found = correlated_residuals.fit(self.places, self.values, self.designs)
        alone = [
            correlated_residuals.fit(self.places, self.values, design[np.newaxis])
            for design in self.designs
        ]
        heights = [each.log_likelihood for each in alone]
        self.assertEqual(found.place, np.argmax(heights))
        self.assertEqual(found.log_likelihood, max(heights))
        self.assertLessEqual(found.length, self.places[-1] - self.places[0])

    def test_log_likelihoods(self):
        found = correlated_residuals.log_likelihoods(
            self.places, self.values, self.designs
        )
        span = self.places[-1] - self.places[0]
        ends = 0.25 * np.diff(self.places).min(), 10 * span
        lengths = np.geomspace(*ends, 32)
        expected = [
            np.log(np.mean([np.exp(self._restricted(d, each)) for each in lengths]))
            for d in self.designs
        ]
        np.testing.assert_allclose(found, expected, rtol=1e-9)

    def test_log_likelihoods_do_not_depend_on_units(self):
        arguments = self.places, self.values
        found = correlated_residuals.log_likelihoods(*arguments, self.designs)
        scaled = self.designs * [1.0, 1e3]
        again = correlated_residuals.log_likelihoods(*arguments, scaled)
        np.testing.assert_allclose(found, again, rtol=1e-9)

    def test_interval_at_a_known_length_is_student_s(self):
        with mock.patch.object(correlated_residuals, "_NUM_LENGTHS", 1):
            found = correlated_residuals.coefficient_interval(
                self.places, self.values, self.designs[1], 1
            )
        length, design = 0.25 * np.diff(self.places).min(), self.designs[1]
        correlation = _correlation(self.places, length)
        solved = np.linalg.solve(correlation, design)
        normal = design.T @ solved
        coefficients = np.linalg.solve(normal, solved.T @ self.values)
        rest = self.values - design @ coefficients
        variance = rest @ np.linalg.solve(correlation, rest) / 13
        error = np.sqrt(variance * np.linalg.inv(normal)[1, 1])
        expected = coefficients[1] + error * stats.t.ppf([0.5, 0.025, 0.975], 13)
        np.testing.assert_allclose(found, expected, rtol=1e-6)

    def test_interval_of_a_normal_density(self):
        points = np.linspace(-6, 9, 301)
        found = correlated_residuals.interval_on_grid(-((points - 1) ** 2) / 2, points)
        # The trapezoids of 0.05 and their interpolation are exact to 0.05^2.
        np.testing.assert_allclose(found, [1, 1 - 1.95996, 1 + 1.95996], atol=0.0025)

    def test_values_that_the_design_gives_exactly(self):
        values = self.designs[0] @ [1.0, 2.0]
        found = correlated_residuals.fit(self.places, values, self.designs)
        self.assertEqual(found.place, 0)
        self.assertTrue(np.isfinite(found.log_likelihood))
        np.testing.assert_allclose(found.coefficients, [1.0, 2.0], rtol=1e-9)


if __name__ == "__main__":
    absltest.main()
