"""Tests of products with curvature matrices of many kinds of model."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, measures
from bsgen.layers import ghost_batch_norm
from bsgen.measures.operators import (
    curvature,
    data_operator,
)
from tests.measures import small_models

_METHODS = data_operator.METHODS[1:]


class HessianTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(0)

    @parameterized.parameters(*small_models.kinds("float64"))
    def test_central_differences(self, kind):
        model, data = small_models.make(kind, self.rng)
        operator = curvature.Hessian(model, small_models.softmax, data, batch_size=4)
        vector = self.rng.normal(size=operator.size)
        before = model.get_weights()
        found = operator.matvec(vector)
        # Central differences of width 1e-5 along a vector of length 5 to 10 err by
        # width^2 times fourth derivatives along it (1e-10 times thousands at most) and
        # by rounding, about 1e-16 / 1e-5.
        expected = small_models.difference_product(model, *data, vector)
        self.assertAllClose(found, expected, rtol=0, atol=1e-6)
        self.assertGreater(np.linalg.norm(expected), 1e-2)
        self.assertAllClose(
            operator.gradient(), small_models.mean_gradient(model, *data), atol=1e-13
        )
        for old, new in zip(before, model.get_weights(), strict=True):
            self.assertAllEqual(old, new)

    @parameterized.parameters("dense", "gelu", "convolution", "batch_norm")
    def test_both_methods_agree_with_the_dense_hessian(self, kind):
        model, data = small_models.make(kind, self.rng)
        expected = measures.Hessian(model, small_models.softmax, data, l2=0.3).dense()
        for method in _METHODS:
            operator = curvature.Hessian(
                model, small_models.softmax, data, l2=0.3, batch_size=3, method=method
            )
            found = [operator.matvec(row) for row in np.eye(operator.size)]
            self.assertAllClose(found, expected, rtol=1e-11, atol=1e-12)

    def test_linear_regression_in_float32(self):
        model = small_models.network((4,), keras.layers.Dense(1))
        inputs = self.rng.normal(size=(100, 4))
        data = (inputs, self.rng.normal(size=(100, 1)).astype(np.float32))
        operator = curvature.Hessian(
            model, small_models.squared_error, data, batch_size=32
        )
        padded = np.hstack([inputs, np.ones((100, 1))])
        found = [operator.matvec(row) for row in np.eye(5)]
        # Sums of 32 products of relative error 6e-8 each, of order 1.
        self.assertAllClose(found, 2 * padded.T @ padded / 100, rtol=0, atol=2e-6)

    @parameterized.named_parameters(
        ("batch_norm_in_training", keras.layers.BatchNormalization, True),
        ("layer_norm", keras.layers.LayerNormalization, False),
        ("group_norm", lambda **o: keras.layers.GroupNormalization(1, **o), False),
    )
    def test_where_exact_products_would_be_wrong(self, make_norm, training):
        options = {"dtype": "float64"}
        layers = [keras.layers.Dense(4, **options), make_norm(**options)]
        layers += [keras.layers.Activation("tanh", **options)]
        layers += [keras.layers.Dense(3, **options)]
        model = small_models.network((4,), *layers, dtype="float64")
        small_models.randomise(model, self.rng)
        data = (self.rng.normal(size=(9, 4)), self.rng.integers(0, 3, size=9))
        operator = curvature.Hessian(
            model, small_models.softmax, data, training=training
        )
        vector = self.rng.normal(size=operator.size)
        expected = small_models.difference_product(model, *data, vector, training)
        self.assertAllClose(operator.matvec(vector), expected, rtol=0, atol=1e-6)
        mode = "training" if training else "inference"
        self.assertEqual(operator.mode, mode + ", finite differences")
        for method in _METHODS:
            exact = curvature.Hessian(
                model, small_models.softmax, data, training=training, method=method
            )
            with self.assertRaisesRegex(errors.UserError, "finite_differences"):
                exact.matvec(vector)
            with self.assertRaisesRegex(errors.UserError, "stops a gradient"):
                exact.dense()
        found = curvature.Hessian(
            model, small_models.softmax, data, training=training
        ).dense()
        self.assertAllClose(found @ vector, expected, rtol=0, atol=1e-6)

    def test_ghost_batch_norm_in_training_mode(self):
        ghosts = ghost_batch_norm.GhostBatchNormalization(4, dtype="float64")
        layers = [keras.layers.Dense(4, dtype="float64"), ghosts]
        layers += [keras.layers.Dense(3, dtype="float64")]
        model = small_models.network((4,), *layers, dtype="float64")
        small_models.randomise(model, self.rng)
        data = (self.rng.normal(size=(8, 4)), self.rng.integers(0, 3, size=8))
        operator = curvature.Hessian(model, small_models.softmax, data, training=True)
        vector = self.rng.normal(size=operator.size)
        expected = small_models.difference_product(model, *data, vector, training=True)
        self.assertAllClose(operator.matvec(vector), expected, rtol=0, atol=1e-6)
        self.assertEqual(operator.mode, "training")
        inference = curvature.Hessian(model, small_models.softmax, data)
        self.assertNotAllClose(inference.matvec(vector), expected, atol=1e-3)
        self.assertEqual(inference.mode, "inference")

    def test_differences_of_gradients(self):
        model, data = small_models.make("convolution", self.rng)
        exact = curvature.Hessian(model, small_models.softmax, data)
        vector = self.rng.normal(size=exact.size)
        expected = exact.matvec(vector)
        found = curvature.Hessian(
            model, small_models.softmax, data, method="finite_differences"
        )
        self.assertAlmostEqual(found.step, 6.06e-6, delta=1e-8)
        # The error goes with step^2, here (6e-6)^2 times tens, and rounding / step.
        self.assertAllClose(found.matvec(vector), expected, rtol=0, atol=1e-8)
        coarse = [
            curvature.Hessian(
                model, small_models.softmax, data, method="finite_differences", step=s
            ).matvec(vector)
            for s in (2e-3, 1e-3)
        ]
        ratio = np.linalg.norm(coarse[0] - expected) / np.linalg.norm(
            coarse[1] - expected
        )
        self.assertAlmostEqual(ratio, 4.0, delta=0.1)
        self.assertAllEqual(found.matvec(np.zeros(exact.size)), np.zeros(exact.size))

    @parameterized.parameters(*_METHODS)
    def test_gauss_newton(self, method):
        model, data = small_models.make("dense", self.rng)
        operator = curvature.GaussNewton(
            model, small_models.softmax, data, batch_size=4, method=method, l2=0.1
        )
        matrix = [operator.matvec(row) for row in np.eye(operator.size)]
        # Slow twin: the Jacobian of every output, and the softmax's own Hessian.
        values = [v.value for v in model.trainable_variables]
        with tf.GradientTape() as tape:
            logits = model(data[0])
        rows = tape.jacobian(logits, values)
        jacobian = np.concatenate([np.reshape(r, (11, 3, -1)) for r in rows], axis=2)
        p = keras.ops.softmax(logits).numpy()
        bends = np.einsum("nk,kl->nkl", p, np.eye(3)) - np.einsum("nk,nl->nkl", p, p)
        expected = np.einsum("nkp,nkl,nlq->pq", jacobian, bends, jacobian) / 11
        expected += 0.1 * np.eye(operator.size)
        self.assertAllClose(matrix, expected, rtol=0, atol=1e-12)


if __name__ == "__main__":
    tf.test.main()
