"""Tests of the Gaussian approximation to the evidence."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors, theory


def _logistic_minimum(inputs, labels, l2):
    """Newton's method for two weights: minimum, its cost and Hessian, by hand."""
    weights = np.zeros(2)
    for _ in range(50):
        probabilities = 1 / (1 + np.exp(-inputs @ weights))
        gradient = inputs.T @ (probabilities - labels) + l2 * weights
        spread = probabilities * (1 - probabilities)
        hessian = (inputs.T * spread) @ inputs + l2 * np.eye(2)
        weights = weights - np.linalg.solve(hessian, gradient)
    return weights, _logistic_cost(inputs, labels, l2, weights), hessian


def _logistic_cost(inputs, labels, l2, weights):
    """Returns the cost at each of `weights` [..., 2]."""
    logits = weights @ inputs.T
    cross_entropies = np.logaddexp(0, logits) - labels * logits
    return cross_entropies.sum(axis=-1) + l2 / 2 * (weights**2).sum(axis=-1)


def _integrated_log_evidence(inputs, labels, l2, weights, hessian):
    """Integrates eq. 7 with the trapezoid rule over +-9 standard deviations.

    On a smooth function that dies out at the edges this rule is exact to rounding.
    """
    axis = np.linspace(-9, 9, 91)
    deviations = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    to_weights = np.linalg.inv(np.linalg.cholesky(hessian))
    points = weights + deviations @ to_weights
    costs = _logistic_cost(inputs, labels, l2, points)
    lowest = costs.min()
    cell = (axis[1] - axis[0]) ** 2 * np.linalg.det(to_weights)
    return np.log(np.exp(lowest - costs).sum() * cell * l2 / (2 * np.pi)) - lowest


def _next_order(inputs, weights, hessian):
    """The O(1/N) term that the Gaussian approximation to the log evidence leaves out.

    With C3, C4 the derivatives of the cost and A the inverse Hessian it is
    -C4_ijkl A_ij A_kl / 8 + C3_ijk C3_lmn (A_ij A_kl A_mn / 8 + A_il A_jm A_kn / 12).
    """
    p = 1 / (1 + np.exp(-inputs @ weights))
    inverse = np.linalg.inv(hessian)
    third = np.einsum(
        "n,ni,nj,nk", p * (1 - p) * (1 - 2 * p), inputs, inputs, inputs, optimize=True
    )
    lengths = np.einsum("ni,ij,nj->n", inputs, inverse, inputs)
    fourth = np.sum(p * (1 - p) * (1 - 6 * p * (1 - p)) * lengths**2)
    trace = np.einsum("ijk,ij", third, inverse)
    raised = np.einsum("lmn,il,jm,kn", third, inverse, inverse, inverse)
    return -fourth / 8 + trace @ inverse @ trace / 8 + np.sum(third * raised) / 12


class EvidenceTest(parameterized.TestCase):
    def test_worked_numbers(self):
        # Of eigenvalues 0.5, 2 and 8 the first lies below l2 = 2; 8 gives ln(4) / 2.
        found = theory.log_evidence(3.0, [0.5, 2.0, 8.0], 2.0)
        np.testing.assert_allclose(found, -3.0 - np.log(2.0), rtol=1e-15)
        ratio = theory.log_evidence_ratio(3.0, [0.5, 2.0, 8.0], 2.0, 10, 4)
        np.testing.assert_allclose(
            ratio, 3.0 + np.log(2.0) - 10 * np.log(4), rtol=1e-15
        )

    def test_broadcasts(self):
        rng = np.random.default_rng(0)
        costs, l2 = rng.uniform(1.0, 2.0, size=(2, 5))
        eigenvalues = rng.uniform(0.5, 9.0, size=(5, 7))
        found = theory.log_evidence_ratio(costs, eigenvalues, l2, 20, 2)
        one_by_one = [
            theory.log_evidence_ratio(*row, 20, 2)
            for row in zip(costs, eigenvalues, l2, strict=True)
        ]
        np.testing.assert_array_equal(found, one_by_one)

    def test_linear_gaussian_model_is_exact(self):
        # Labels y = X w + unit noise, prior N(0, 1/l2): y is Gaussian with covariance
        # I + X X^T / l2, and the approximation has nothing to approximate.
        rng = np.random.default_rng(1)
        inputs, labels, l2 = rng.normal(size=(12, 5)), rng.normal(size=12), 0.3
        covariance = np.eye(12) + inputs @ inputs.T / l2
        exact = -0.5 * (
            labels @ np.linalg.solve(covariance, labels)
            + np.linalg.slogdet(2 * np.pi * covariance)[1]
        )
        hessian = inputs.T @ inputs + l2 * np.eye(5)
        weights = np.linalg.solve(hessian, inputs.T @ labels)
        residuals = labels - inputs @ weights
        cost = 0.5 * (
            residuals @ residuals + 12 * np.log(2 * np.pi) + l2 * weights @ weights
        )
        found = theory.log_evidence(cost, np.linalg.eigvalsh(hessian), l2)
        np.testing.assert_allclose(found, exact, rtol=1e-13)

    def test_logistic_regression_against_an_integral(self):
        # The approximation's error is its next term, of order 1/N, and a rest of order
        # 1/N^2: N times the error tends to a constant, N^2 times the rest stays
        # bounded.
        rng = np.random.default_rng(2)
        inputs = rng.normal(size=(1600, 2))
        labels = (inputs @ [1.0, -0.5] + rng.logistic(size=1600) > 0).astype(float)
        self.assertBetween(labels.mean(), 0.4, 0.6)
        misses = []
        for size in (100, 400, 1600):
            x, y = inputs[:size], labels[:size]
            weights, cost, hessian = _logistic_minimum(x, y, 1.0)
            eigenvalues = np.linalg.eigvalsh(hessian)
            integral = _integrated_log_evidence(x, y, 1.0, weights, hessian)
            error = integral - theory.log_evidence(cost, eigenvalues, 1.0)
            next_order = _next_order(x, weights, hessian)
            misses.append(abs(error))
            self.assertLess(abs(error - next_order), 10 / size**2)
            # For the ratio, the null model's likelihood 2^-N is exact.
            ratio = theory.log_evidence_ratio(cost, eigenvalues, 1.0, size, 2)
            exact_ratio = -integral - size * np.log(2)
            self.assertLess(abs(ratio - exact_ratio), abs(next_order) + 10 / size**2)
            self.assertLess(ratio, 0.0)
        self.assertBetween(misses[0] / misses[1], 3.0, 5.0)
        self.assertBetween(misses[1] / misses[2], 3.0, 5.0)

    @parameterized.named_parameters(
        ("cost", (float("inf"), [1.0], 1.0, 10, 2), "cost=inf"),
        ("eigenvalues", (1.0, [1.0, float("nan")], 1.0, 10, 2), "eigenvalues=nan"),
        ("l2", (1.0, [1.0], 0.0, 10, 2), "l2=0.0"),
        ("train_size", (1.0, [1.0], 1.0, 0, 2), "train_size=0.0"),
        ("num_classes", (1.0, [1.0], 1.0, 10, 1), "num_classes=1.0"),
    )
    def test_rejects(self, arguments, message):
        with self.assertRaisesRegex(errors.UserError, message):
            theory.log_evidence_ratio(*arguments)


if __name__ == "__main__":
    absltest.main()
