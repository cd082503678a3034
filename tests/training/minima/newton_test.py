"""Tests of Newton's method."""

import keras
import numpy as np
import scipy.optimize
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors
from bsgen.training.minima import newton


def _sigmoid(labels, logits):
    return tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)


def _softmax(labels, logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def _linear_model(num_features, num_outputs=1, dtype="float64"):
    inputs = keras.Input((num_features,), dtype=dtype)
    outputs = keras.layers.Dense(num_outputs, kernel_initializer="zeros", dtype=dtype)(
        inputs
    )
    return keras.Model(inputs, outputs)


def _separable_task(rng, size):
    """As many examples as inputs: every labelling can be separated by a plane."""
    return rng.normal(size=(size, size)), rng.integers(0, 2, size=size)


class _LogisticCost:
    """Slow twin: the regularised mean cross-entropy in NumPy."""

    def __init__(self, inputs, labels, l2):
        self.inputs = np.hstack([inputs, np.ones((len(inputs), 1))])
        self.labels, self.l2 = labels, l2

    def value(self, weights):
        logits = self.inputs @ weights
        losses = np.logaddexp(0, logits) - self.labels * logits
        return losses.mean() + self.l2 / 2 * weights @ weights

    def gradient(self, weights):
        p = 1 / (1 + np.exp(-self.inputs @ weights))
        return self.inputs.T @ (p - self.labels) / len(p) + self.l2 * weights

    def hessian(self, weights):
        p = 1 / (1 + np.exp(-self.inputs @ weights))
        scaled = self.inputs * (p * (1 - p) / len(p))[:, np.newaxis]
        return self.inputs.T @ scaled + self.l2 * np.eye(len(weights))


def _flat(model):
    return np.concatenate([np.ravel(w) for w in model.get_weights()])


class NewtonSolverTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(0)

    @parameterized.parameters(1e3, 1.0, 1e-2, 1e-5)
    def test_agrees_with_scipy(self, l2):
        inputs, labels = _separable_task(self.rng, 30)
        model = _linear_model(30)
        found = newton.NewtonSolver(model, _sigmoid).minimise((inputs, labels), l2)
        twin = _LogisticCost(inputs, labels, l2)
        peer = scipy.optimize.minimize(
            twin.value,
            np.zeros(31),
            jac=twin.gradient,
            hess=twin.hessian,
            method="trust-exact",
            options={"gtol": 1e-9},
        )
        self.assertTrue(found.converged)
        weights = _flat(model)
        # The cost is l2-strongly convex: a point with gradient g lies within |g| / l2
        # of the minimum, so two points lie within the sum of both.
        norms = [np.linalg.norm(twin.gradient(w)) for w in (weights, peer.x)]
        self.assertLess(norms[0], 2e-12)
        self.assertLess(norms[1], 1e-9)
        self.assertLess(np.linalg.norm(weights - peer.x), sum(norms) / l2)
        self.assertAllClose(found.cost, peer.fun, rtol=1e-10, atol=0)
        hessian = twin.hessian(weights)
        self.assertAllClose(found.hessian, hessian, rtol=1e-10, atol=1e-14)
        eigenvalues = np.linalg.eigvalsh(hessian)
        self.assertAllClose(found.eigenvalues(), eigenvalues, rtol=1e-8, atol=0)

    def test_the_toy_task_over_ten_decades_of_l2(self):
        data = _separable_task(self.rng, 200)
        model = _linear_model(200)
        solver = newton.NewtonSolver(model, _sigmoid)
        for l2 in 10.0 ** np.arange(3, -8, -1):
            found = solver.minimise(data, l2)
            self.assertTrue(found.converged)
            norm = np.linalg.norm(_LogisticCost(*data, l2).gradient(_flat(model)))
            self.assertLess(norm, 2e-12)
        start = [np.zeros_like(w) for w in model.get_weights()]
        warm = _flat(model)
        model.set_weights(start)
        self.assertTrue(solver.minimise(data, 1e-7).converged)
        # As above: both gradients are below 2e-12, and l2 is 1e-7.
        self.assertLess(np.linalg.norm(_flat(model) - warm), 4e-12 / 1e-7)

    def test_step_is_damped_where_a_full_one_overshoots(self):
        # Far from the minimum the logistic cost is almost flat: full steps alone
        # diverge.
        inputs, labels = self.rng.normal(size=(50, 3)), self.rng.integers(0, 2, size=50)
        model = _linear_model(3)
        model.set_weights([np.full((3, 1), 20.0), np.zeros(1)])
        found = newton.NewtonSolver(model, _sigmoid).minimise((inputs, labels), 1e-6)
        self.assertTrue(found.converged)
        gradient = _LogisticCost(inputs, labels, 1e-6).gradient(_flat(model))
        self.assertLess(np.linalg.norm(gradient), 2e-12)

    def test_predicts_where_the_minimum_moves(self):
        data = _separable_task(self.rng, 12)
        model = _linear_model(12)
        solver = newton.NewtonSolver(model, _sigmoid)
        here = solver.minimise(data, 0.02)
        self.assertAllClose(here.weights, _flat(model), rtol=0, atol=0)
        step = 1e-4  # in ln l2; each minimum is exact to about 1e-12 / 0.02
        ends = []
        for sign in (1, -1):
            solver.place(here.weights)
            ends.append(solver.minimise(data, 0.02 * np.exp(sign * step)).weights)
        # A central difference has an error of about step^2 of the weights' own size.
        slope = (ends[0] - ends[1]) / (2 * step)
        predicted = here.predicted(0.02 * np.e) - here.weights
        self.assertAllClose(predicted, slope, rtol=1e-5, atol=1e-6)

    def test_place(self):
        model = _linear_model(3)
        solver = newton.NewtonSolver(model, _sigmoid)
        solver.place(np.arange(4.0))
        self.assertAllEqual(_flat(model), np.arange(4.0))
        solver.place(0.0)
        self.assertAllEqual(_flat(model), np.zeros(4))

    def test_softmax(self):
        inputs, labels = self.rng.normal(size=(40, 5)), self.rng.integers(0, 3, size=40)
        model = _linear_model(5, num_outputs=3)
        found = newton.NewtonSolver(model, _softmax).minimise((inputs, labels), 0.01)
        self.assertTrue(found.converged)
        kernel, bias = model.get_weights()
        scores = np.exp(inputs @ kernel + bias)
        residuals = scores / scores.sum(axis=1, keepdims=True) - np.eye(3)[labels]
        kernel_gradient = inputs.T @ residuals / 40 + 0.01 * kernel
        self.assertLess(np.abs(kernel_gradient).max(), 2e-12)
        self.assertLess(np.abs(residuals.mean(axis=0) + 0.01 * bias).max(), 2e-12)

    def test_compiles_once(self):
        num_traces = 0

        def counted(labels, logits):
            nonlocal num_traces
            num_traces += 1
            return _sigmoid(labels, logits)

        solver = newton.NewtonSolver(_linear_model(4), counted)
        for l2 in (1.0, 0.1, 0.01):
            solver.minimise(_separable_task(self.rng, 4), l2)
        self.assertEqual(num_traces, 2)  # `value` and `derivatives`

    def test_starts_from_the_weights_and_stops_in_time(self):
        data = _separable_task(self.rng, 10)
        solver = newton.NewtonSolver(_linear_model(10), _sigmoid)
        cut = solver.minimise(data, 1e-3, max_iterations=2)
        self.assertEqual((cut.iterations, cut.converged), (2, False))
        self.assertGreater(cut.gradient_norm, 1e-12)
        self.assertTrue(solver.minimise(data, 1e-3).converged)
        again = solver.minimise(data, 1e-3, max_iterations=0)
        self.assertEqual((again.iterations, again.converged), (0, True))

    def test_tolerance_below_rounding_ends_without_convergence(self):
        data = _separable_task(self.rng, 10)
        solver = newton.NewtonSolver(_linear_model(10), _sigmoid)
        found = solver.minimise(data, 1e-2, max_iterations=30, tolerance=1e-30)
        self.assertFalse(found.converged)
        self.assertLess(found.gradient_norm, 1e-14)

    def test_rejects(self):
        data = _separable_task(self.rng, 4)
        solver = newton.NewtonSolver(_linear_model(4), _sigmoid)
        with self.assertRaisesRegex(errors.UserError, "data=nan: .*not finite"):
            solver.minimise((data[0] * np.nan, data[1]), 1.0)
        with self.assertRaisesRegex(errors.UserError, "model=.*float32.*float64"):
            newton.NewtonSolver(_linear_model(4, dtype="float32"), _sigmoid)

    def test_rejects_a_cost_that_is_not_convex(self):
        # Two weights in a row: (w v - 1)^2 has a saddle at 0, with eigenvalues +-2.
        inputs = keras.Input((1,), dtype="float64")
        layer = keras.layers.Dense(
            1, use_bias=False, kernel_initializer="zeros", dtype="float64"
        )
        second = keras.layers.Dense.from_config(layer.get_config() | {"name": "second"})
        model = keras.Model(inputs, second(layer(inputs)))
        solver = newton.NewtonSolver(model, lambda y, z: (z[:, 0] - y) ** 2)
        with self.assertRaisesRegex(errors.UserError, "model=.*not convex"):
            solver.minimise((np.ones((2, 1)), np.ones(2)), 0.1)


if __name__ == "__main__":
    tf.test.main()
