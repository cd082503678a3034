"""Tests of the public measures of curvature on models, against their dense Hessians."""

import dataclasses

import keras
import numpy as np
import scipy.sparse.linalg
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, measures, theory


def _softmax(labels, logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def _raise_at(count):
    """Ctrl-C after `count` reports."""

    def on_progress(progress):
        if progress.num_products == count:
            raise KeyboardInterrupt

    return on_progress


class CurvatureTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(1)
        layers = [
            keras.layers.Dense(4, "tanh", dtype="float64"),
            keras.layers.BatchNormalization(dtype="float64"),
            keras.layers.Dense(3, dtype="float64"),
        ]
        self.model = keras.Sequential([keras.Input((3,), dtype="float64"), *layers])
        for variable in self.model.trainable_variables:
            variable.assign(rng.normal(size=variable.shape))
        inputs = rng.normal(size=(20, 3))
        self.data = (inputs, rng.integers(0, 3, size=20))
        self.hessian = self.make()
        self.matrix = self.hessian.dense()
        self.eigenvalues = np.linalg.eigvalsh(self.matrix)
        self.size = len(self.eigenvalues)

    def make(self, **options):
        return measures.Hessian(self.model, _softmax, self.data, **options)

    def test_every_eigenvalue(self):
        found = measures.extreme_eigenvalues(self.hessian, self.size - 9, 9)
        self.assertEqual(found.stopped_because, "complete")
        self.assertEqual(found.mode, "inference")
        values = np.r_[found.bottom, found.top[::-1]]
        self.assertAllClose(values, self.eigenvalues, rtol=0, atol=1e-13)

    def test_ends(self):
        top = measures.top_eigenvalue(self.hessian, tolerance=1e-6)
        self.assertAllClose(top.value, self.eigenvalues[-1], rtol=1e-6)
        self.assertEqual((top.stopped_because, top.mode), ("tolerance", "inference"))
        self.assertLessEqual(abs(top.value - self.eigenvalues[-1]), top.error + 1e-13)
        shifted = measures.top_eigenvalue(self.make(l2=0.5), tolerance=1e-6)
        self.assertAllClose(shifted.value, self.eigenvalues[-1] + 0.5, rtol=1e-6)

    def test_largest_magnitude(self):
        # Minus the loss: its largest eigenvalue is small, its smallest large.
        def minus(labels, logits):
            return -_softmax(labels, logits)

        found = measures.largest_magnitude_eigenvalue(
            measures.Hessian(self.model, minus, self.data)
        )
        self.assertAllClose(found.value, -self.eigenvalues[-1], rtol=1e-3)
        self.assertEqual(found.mode, "inference")
        top = measures.top_eigenvalue(measures.Hessian(self.model, minus, self.data))
        self.assertAllClose(top.value, -self.eigenvalues[0], rtol=1e-3)

    @parameterized.parameters("hutchinson", "hutch++")
    def test_trace(self, method):
        found = measures.hessian_trace(
            self.make(l2=0.1),
            method=method,
            relative_error=0.05,
            max_products=3000,
        )
        self.assertEqual((found.method, found.mode), (method, "inference"))
        self.assertEqual(found.stopped_because, "tolerance")
        truth = np.trace(self.matrix) + 0.1 * self.size
        self.assertLessEqual(abs(found.value - truth), 3 * found.standard_error)
        self.assertLessEqual(found.standard_error, 0.05 * found.value)

    @parameterized.parameters(
        ("auto", "products", ""),
        ("finite_differences", "finite_differences", ", finite differences"),
    )
    def test_frobenius_norm(self, method, said, note):
        found = measures.hessian_frobenius_norm(
            self.make(method=method),
            relative_error=0.02,
            max_products=3000,
        )
        truth = np.linalg.norm(self.matrix)
        self.assertLessEqual(abs(found.value - truth), 3 * found.standard_error)
        self.assertLessEqual(found.standard_error, 0.02 * found.value)
        self.assertEqual((found.method, found.mode), (said, "inference" + note))

    def test_both_norms_agree_on_the_same_probes(self):
        options = {"relative_error": 0.0, "max_products": 5}
        exact = measures.hessian_frobenius_norm(self.hessian, **options)
        found = measures.hessian_frobenius_norm(
            self.make(method="finite_differences"), **options
        )
        self.assertAllClose(found.value, exact.value, rtol=1e-8)

    def test_spectral_density(self):
        found = measures.spectral_density(self.hessian, num_probes=20)
        # The softmax ignores what it adds to all logits: there are null directions, and
        # a probe ends early.
        self.assertEqual(found.num_products, sum(map(len, found.nodes)))
        ends = self.eigenvalues[[0, -1]]
        self.assertAllClose(found.nodes[0][[0, -1]], ends, rtol=0, atol=1e-12)
        self.assertAllClose(np.trapezoid(found.value, found.grid), 1.0, atol=1e-4)
        self.assertEqual(found.mode, "inference")

    def test_critical_learning_rate(self):
        for momentum in (0.0, 0.9):
            found = measures.critical_learning_rate(self.hessian, momentum)
            expected = theory.critical_learning_rate(self.eigenvalues[-1], momentum)
            self.assertAllClose(found.value, expected, rtol=1e-3)
            self.assertLessEqual(abs(found.value - expected), found.error + 1e-12)
            top = measures.top_eigenvalue(self.hessian)
            self.assertEqual(found.max_eigenvalue, top)

    def test_critical_learning_rate_of_descent(self):
        # Full-batch descent on a linear regression: stable below, unstable above.
        rng = np.random.default_rng(2)
        inputs = rng.normal(size=(30, 4))
        targets = np.zeros((30, 1))
        model = keras.Sequential(
            [
                keras.Input((4,), dtype="float64"),
                keras.layers.Dense(1, use_bias=False, dtype="float64"),
            ]
        )

        def loss(targets, outputs):
            return tf.reduce_sum((outputs - targets) ** 2, axis=-1)

        matrix = 2 * inputs.T @ inputs / 30
        for momentum in (0.0, 0.8):
            rate = measures.critical_learning_rate(
                measures.Hessian(model, loss, (inputs, targets)), momentum
            ).value
            for factor, stable in ((0.98, True), (1.02, False)):
                weights, accumulator = np.ones(4), np.zeros(4)
                for _ in range(500):
                    accumulator = momentum * accumulator - matrix @ weights
                    weights = weights + factor * rate * accumulator
                self.assertEqual(np.linalg.norm(weights) < 1.0, stable)

    def test_concave_loss_has_no_critical_rate(self):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        data = (self.data[0], self.data[1] % 2)
        found = measures.critical_learning_rate(
            measures.Hessian(model, lambda y, z: -tf.reduce_sum(z**2, -1), data)
        )
        self.assertEqual(found.value, np.inf)
        self.assertLess(found.max_eigenvalue.value, 0.0)

    def test_keras_loss_and_data_set(self):
        loss = keras.losses.SparseCategoricalCrossentropy(True)
        dataset = tf.data.Dataset.from_tensor_slices(self.data).batch(7)
        found = measures.top_eigenvalue(measures.Hessian(self.model, loss, dataset))
        self.assertAllClose(found.value, self.eigenvalues[-1], rtol=1e-3)

    def test_one_hessian_compiles_once_for_all_measures(self):
        traced = []

        def loss(labels, logits):
            if not tf.executing_eagerly():
                traced.append(1)
            return _softmax(labels, logits)

        hessian = measures.Hessian(self.model, loss, self.data)
        measures.top_eigenvalue(hessian)
        self.assertLen(traced, 1)
        measures.hessian_trace(hessian, max_products=2)
        measures.hessian_frobenius_norm(hessian, max_products=2)
        measures.spectral_density(hessian, num_probes=1, num_steps=2)
        measures.critical_learning_rate(hessian)
        self.assertLen(traced, 1)

    def test_solvers_of_scipy_take_it(self):
        found = scipy.sparse.linalg.eigsh(
            self.hessian, 3, which="LA", return_eigenvectors=False
        )
        self.assertAllClose(np.sort(found), self.eigenvalues[-3:], rtol=1e-9)

    def test_training_mode_is_said(self):
        found = measures.top_eigenvalue(self.make(training=True))
        self.assertEqual(found.mode, "training, finite differences")
        self.assertNotAllClose(found.value, self.eigenvalues[-1], rtol=1e-2)

    def test_interrupted(self):
        stop = _raise_at(11)
        top = measures.top_eigenvalue(
            self.hessian, tolerance=0.0, on_progress=stop, keep_partial=True
        )
        trace = measures.hessian_trace(
            self.hessian, relative_error=0.0, on_progress=stop, keep_partial=True
        )
        norm = measures.hessian_frobenius_norm(
            self.hessian, relative_error=0.0, on_progress=stop, keep_partial=True
        )
        for found in (top, trace, norm):
            self.assertEqual(found.stopped_because, "interrupted")
            self.assertEqual(found.num_products, 11)
        limited = measures.hessian_trace(
            self.hessian, relative_error=0.0, max_products=11
        )
        self.assertEqual(
            trace, dataclasses.replace(limited, stopped_because="interrupted")
        )

    def test_rejects(self):
        with self.assertRaisesRegex(errors.UserError, "k_top=40: .*39, its dimension"):
            measures.extreme_eigenvalues(self.hessian, 40)
        with self.assertRaisesRegex(errors.UserError, "momentum=1"):
            measures.critical_learning_rate(self.hessian, 1.0)
        with self.assertRaisesRegex(errors.UserError, "method='difference'"):
            measures.hessian_frobenius_norm(self.make(method="difference"))
        with self.assertRaisesRegex(errors.UserError, "exactly zero"):
            measures.top_eigenvalue(
                measures.Hessian(self.model, lambda y, z: z[:, 0] * 0.0, self.data)
            )


if __name__ == "__main__":
    tf.test.main()
