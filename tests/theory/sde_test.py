"""Tests of the stationary loss against Lyapunov equations."""

import functools

import numpy as np
import scipy.linalg
from absl.testing import absltest, parameterized

from bsgen import errors, theory
from tests.references import stationary_covariance

_SIZE = 4


def _positive(rng):
    factor = rng.normal(size=(_SIZE, _SIZE))
    return factor @ factor.T / _SIZE + 0.1 * np.eye(_SIZE)


class SdeTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(0)
        # Two matrices that do not commute.
        self.hessian, self.covariance = _positive(rng), _positive(rng)
        self.top = np.linalg.eigvalsh(self.hessian)[-1]

    def rate(self, share, momentum=0.0):
        return share * float(theory.critical_learning_rate(self.top, momentum))

    def test_equation_7(self):
        loss = theory.stationary_loss(self.hessian, 0.1, 8)
        np.testing.assert_allclose(loss, 0.1 / 32 * np.trace(self.hessian), rtol=1e-13)

    @parameterized.parameters(0.0, 0.8)
    def test_sde_solves_its_lyapunov_equation(self, momentum):
        expected = scipy.linalg.solve_continuous_lyapunov(
            self.hessian, 0.1 / (8 * (1 - momentum)) * self.covariance
        )
        arguments = self.hessian, 0.1, 8, self.covariance, momentum
        loss = theory.stationary_loss(*arguments)
        expected = np.trace(self.hessian @ expected) / 2
        np.testing.assert_allclose(loss, expected, rtol=1e-11)

    @parameterized.product(momentum=(0.0, 0.5, 0.95), share=(0.01, 0.3, 0.95))
    def test_descent_solves_its_lyapunov_equation(self, momentum, share):
        rate = self.rate(share, momentum)
        arguments = self.hessian, rate, 8, self.covariance, momentum
        expected = stationary_covariance.stationary_covariance(*arguments)
        loss = theory.stationary_loss(*arguments, exact=True)
        expected = np.trace(self.hessian @ expected) / 2
        np.testing.assert_allclose(loss, expected, rtol=1e-8)

    @parameterized.parameters(0.0, 0.9)
    def test_small_steps_follow_the_sde(self, momentum):
        for share in (1e-2, 1e-3):
            arguments = self.hessian, self.rate(share, momentum), 8, self.covariance
            sde = theory.stationary_loss(*arguments, momentum)
            exact = theory.stationary_loss(*arguments, momentum, exact=True)
            # Every direction's loss is enlarged by 1 to 1 / (1 - share).
            self.assertGreater(exact, sde)
            self.assertLess(exact, sde / (1 - share))

    def test_a_direction_without_curvature_or_noise_adds_nothing(self):
        flat = scipy.linalg.block_diag(self.hessian, 0.0)
        for exact in (False, True):
            found = theory.stationary_loss(flat, 0.1, 8, exact=exact)
            expected = theory.stationary_loss(self.hessian, 0.1, 8, exact=exact)
            np.testing.assert_allclose(found, expected, rtol=1e-13)
        with self.assertRaisesRegex(errors.UserError, "no curvature"):
            theory.stationary_loss(flat, 0.1, 8, np.eye(_SIZE + 1))

    @parameterized.parameters(0.0, 0.9)
    def test_names_the_critical_rate(self, momentum):
        critical = self.rate(1.0, momentum)
        loss = functools.partial(
            theory.stationary_loss, self.hessian, momentum=momentum
        )
        loss(1.001 * critical, 8)
        loss(0.999 * critical, 8, exact=True)
        with self.assertRaisesRegex(errors.UserError, f"critical {critical:g}"):
            loss(1.001 * critical, 8, exact=True)

    def test_exactly_at_the_critical_rate_there_is_no_stationary_state(self):
        # 2 (1 + m) / 2 is exact in floating point.
        for momentum, critical in ((0.0, 1.0), (0.5, 1.5)):
            arguments = np.diag([2.0, 0.5]), critical, 8, None, momentum
            with self.assertRaisesRegex(errors.UserError, "SGD is unstable"):
                theory.stationary_loss(*arguments, exact=True)

    def test_rejects(self):
        with self.assertRaisesRegex(errors.UserError, "hessian=.*symmetric"):
            theory.stationary_loss([[1.0, 0.5], [0.0, 1.0]], 0.1, 8)
        with self.assertRaisesRegex(errors.UserError, "hessian=-1.0: .*negative"):
            theory.stationary_loss(np.diag([1.0, -1.0]), 0.1, 8)
        with self.assertRaisesRegex(errors.UserError, "gradient_covariance=.*shape"):
            theory.stationary_loss(self.hessian, 0.1, 8, np.eye(2))
        with self.assertRaisesRegex(errors.UserError, "batch_size=0"):
            theory.stationary_loss(self.hessian, 0.1, 0)


if __name__ == "__main__":
    absltest.main()
