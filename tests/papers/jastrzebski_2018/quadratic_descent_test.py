"""Tests of the simulation: its interval holds the exact answer, not the SDE's."""

import numpy as np
from absl.testing import absltest, parameterized
from scipy import stats

from bsgen import errors, theory
from bsgen.papers.jastrzebski_2018 import quadratic_descent
from tests.references import stationary_covariance

# Two-sided; one true answer in a thousand would be refused, but seeds are fixed.
_QUANTILE = 0.9995


def _positive(rng, size=3):
    factor = rng.normal(size=(size, size))
    return factor @ factor.T / size + 0.3 * np.eye(size)


class QuadraticDescentTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(0)
        self.hessian, self.covariance = _positive(rng), _positive(rng)
        self.top = np.linalg.eigvalsh(self.hessian)[-1]

    @parameterized.product(
        momentum=(0.0, 0.8), share=(0.4, 0.7), assumption_2=(False, True)
    )
    def test_meets_the_exact_answer(self, momentum, share, assumption_2):
        rate = share * float(theory.critical_learning_rate(self.top, momentum))
        covariance = None if assumption_2 else self.covariance
        arguments = self.hessian, rate, 8, covariance, momentum
        found = quadratic_descent.simulate(*arguments, num_chains=100, num_steps=500)
        expected = theory.stationary_loss(*arguments, exact=True)
        reach = stats.t.ppf(_QUANTILE, 99) * found.standard_error
        self.assertLess(abs(found.loss - expected), reach)
        # The interval is narrow enough to tell the SDE's answer from it.
        self.assertLess(reach, 0.1 * expected)
        self.assertGreater(abs(found.loss - theory.stationary_loss(*arguments)), reach)
        # 50,000 correlated samples; a hundred chains alone would give 14 %.
        spread = self.hessian if assumption_2 else self.covariance
        exact = stationary_covariance.stationary_covariance(
            self.hessian, rate, 8, spread, momentum
        )
        scale = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
        np.testing.assert_allclose(found.covariance / scale, exact / scale, atol=0.1)

    @parameterized.parameters(0.0, 0.5)
    def test_small_steps_at_equal_ratio_meet_the_sde(self, momentum):
        ratio = 0.1
        rate = 0.02 * float(theory.critical_learning_rate(self.top, momentum))
        arguments = self.hessian, rate, rate / ratio, self.covariance, momentum
        found = quadratic_descent.simulate(*arguments, num_chains=200, num_steps=2000)
        # The SDE's answer depends on the ratio alone.
        expected = theory.stationary_loss(
            self.hessian, 1.0, 1 / ratio, self.covariance, momentum
        )
        reach = stats.t.ppf(_QUANTILE, 199) * found.standard_error
        # Steps of 2 % of the critical rate add at most 1 / (1 - 0.02) - 1.
        self.assertLess(abs(found.loss - expected), reach + 0.021 * expected)
        self.assertLess(reach, 0.1 * expected)

    def test_intervals_hold_the_truth_as_often_as_they_claim(self):
        rate = 0.5 * float(theory.critical_learning_rate(self.top))
        expected = theory.stationary_loss(self.hessian, rate, 8, exact=True)
        scores = []
        for seed in range(100):
            found = quadratic_descent.simulate(
                self.hessian, rate, 8, num_chains=20, num_steps=20, seed=seed
            )
            scores.append((found.loss - expected) / found.standard_error)
        inside = np.mean(np.abs(scores) < stats.t.ppf(0.975, 19))
        # 95 % of 100, within four standard deviations of 2.2 %.
        self.assertBetween(inside, 0.86, 1.0)

    def test_forgets_its_start(self):
        # With half the critical rate in each direction one step forgets everything.
        found = quadratic_descent.simulate(np.eye(2), 1.0, 4, num_steps=1)
        self.assertEqual(found.burn_in_steps, 1)
        # Roots 0.9: 0.9^(2 t) = 1e-6 at t = 65.6.
        found = quadratic_descent.simulate(np.eye(2), 0.1, 4, num_steps=1)
        self.assertEqual(found.burn_in_steps, 66)

    def test_rejects(self):
        with self.assertRaisesRegex(errors.UserError, "critical"):
            quadratic_descent.simulate(self.hessian, 3.0, 8)
        with self.assertRaisesRegex(errors.UserError, "hessian=0.0"):
            quadratic_descent.simulate(np.diag([1.0, 0.0]), 0.1, 8)
        with self.assertRaisesRegex(errors.UserError, "num_chains=1"):
            quadratic_descent.simulate(self.hessian, 0.1, 8, num_chains=1)


if __name__ == "__main__":
    absltest.main()
