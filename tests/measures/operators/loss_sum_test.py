"""Tests of the exact Hessian."""

from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, measures
from bsgen.measures.operators import loss_sum
from tests.measures import layer_zoo, small_models


def _squared_error(targets, outputs):
    return tf.reduce_sum((outputs - targets) ** 2, axis=-1)


def _sigmoid(labels, logits):
    return tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)


def _softmax(labels, logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def _dense(units, activation=None, dtype="float64"):
    return keras.layers.Dense(units, activation=activation, dtype=dtype)


def _network(input_shape, *layers):
    return keras.Sequential([keras.Input(input_shape, dtype="float64"), *layers])


def _randomise(model, rng):
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))


def _mean_gradient(model, loss, inputs, targets, l2):
    """Slow twin: the gradient of the regularised mean loss, without a flat vector."""
    with tf.GradientTape() as tape:
        cost = tf.reduce_mean(loss(targets, model(inputs, training=False)))
        for variable in model.trainable_variables:
            cost += l2 / 2 * tf.reduce_sum(variable.value**2)
    gradients = tape.gradient(cost, [v.value for v in model.trainable_variables])
    return np.concatenate([np.ravel(g) for g in gradients])


def _difference_hessian(model, loss, data, l2, width=1e-5):
    """Central differences of `_mean_gradient`, one weight at a time."""
    columns = []
    for variable in model.trainable_variables:
        start = variable.numpy()
        for index in np.ndindex(*start.shape):
            sides = []
            for sign in (1, -1):
                moved = start.copy()
                moved[index] += sign * width
                variable.assign(moved)
                sides.append(_mean_gradient(model, loss, *data, l2))
            columns.append((sides[0] - sides[1]) / (2 * width))
        variable.assign(start)
    return np.stack(columns, axis=1)


class DenseHessianTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(0)

    def test_one_example_of_products_over_three_axes(self):
        # Rows at once, [P, 1, 6, n] times a weight, which oneDNN gets wrong.
        rng = np.random.default_rng(0)
        model, *data = layer_zoo.make("einsum", rng, 1)
        found = measures.Hessian(model, _softmax, tuple(data)).dense()
        direction = rng.normal(size=len(found))
        expected = small_models.difference_product(model, *data, direction, width=1e-3)
        # float32's 6e-8 over the step, in gradients of order 1.
        atol = 1e-3 * np.abs(expected).max()
        self.assertAllClose(found @ direction, expected, rtol=0, atol=atol)

    def test_recurrent_layer(self):
        rng = np.random.default_rng(0)
        layer = keras.layers.SimpleRNN(2, dtype="float64")
        model = _network((3, 2), layer, _dense(3))
        _randomise(model, rng)
        data = rng.normal(size=(4, 3, 2)), rng.integers(3, size=4)
        found = measures.Hessian(model, _softmax, data).dense()
        direction = rng.normal(size=len(found))
        expected = small_models.difference_product(model, *data, direction)
        # The step squared, 1e-10, and float64's rounding over the step, 1e-11.
        self.assertAllClose(found @ direction, expected, rtol=0, atol=1e-7)

    def test_linear_regression(self):
        inputs = self.rng.normal(size=(30, 4))
        targets = self.rng.normal(size=(30, 1))
        found = measures.Hessian(
            _network((4,), _dense(1)), _squared_error, (inputs, targets), l2=0.25
        ).dense()
        padded = np.hstack([inputs, np.ones((30, 1))])
        expected = 2 * padded.T @ padded / 30 + 0.25 * np.eye(5)
        self.assertDTypeEqual(found, np.float64)
        self.assertAllClose(found, expected, rtol=1e-13, atol=1e-13)

    @parameterized.parameters((2**18, 30), (2 * 30, 30), (4 * 7, 7), (1, 7))
    def test_logistic_regression_in_parts(self, max_backward_passes, batch_size):
        # 5 rows at once; 2, 2 and 1; batches of 7 with a smaller last one; single rows.
        model = _network((4,), _dense(1))
        _randomise(model, self.rng)
        inputs = self.rng.normal(size=(30, 4))
        labels = self.rng.integers(0, 2, size=30)
        with mock.patch.object(loss_sum, "_MAX_BACKWARD_PASSES", max_backward_passes):
            found = measures.Hessian(
                model, _sigmoid, (inputs, labels), batch_size=batch_size
            ).dense()
        padded = np.hstack([inputs, np.ones((30, 1))])
        p = 1 / (1 + np.exp(-padded @ np.vstack(model.get_weights())))
        expected = padded.T @ (p * (1 - p) * padded) / 30
        self.assertAllClose(found, expected, rtol=1e-12, atol=1e-14)

    @parameterized.named_parameters(
        ("dense", (3,), [_dense(4, "tanh"), _dense(3)]),
        (
            "convolution",
            (5, 5, 1),
            [
                keras.layers.Conv2D(2, 3, activation="softplus", dtype="float64"),
                keras.layers.GlobalAveragePooling2D(dtype="float64"),
                _dense(3),
            ],
        ),
        (
            "inference_mode",
            (3,),
            [
                _dense(3, "tanh"),
                keras.layers.BatchNormalization(dtype="float64"),
                keras.layers.Dropout(0.5, dtype="float64"),
                _dense(3),
            ],
        ),
    )
    def test_central_differences(self, input_shape, layers):
        model = _network(input_shape, *layers)
        _randomise(model, self.rng)
        inputs = self.rng.normal(size=(12, *input_shape))
        data = (inputs, self.rng.integers(0, 3, size=12))
        found = measures.Hessian(model, _softmax, data, l2=0.1).dense()
        # Central differences of width 1e-5 err by width^2 times fourth derivatives
        # (1e-10 times tens at most here) and by rounding / width, about 1e-16 / 1e-5.
        expected = _difference_hessian(model, _softmax, data, l2=0.1)
        self.assertAllClose(found, expected, rtol=0, atol=1e-8)
        self.assertAllEqual(found, found.T)

    def test_leaves_the_model_as_it_was(self):
        model = _network((3,), _dense(2))
        before = model.get_weights()
        data = (self.rng.normal(size=(4, 3)), np.array([0, 1, 1, 0]))
        measures.Hessian(model, _softmax, data).dense()
        for old, new in zip(before, model.get_weights(), strict=True):
            self.assertAllEqual(old, new)

    def test_float32_model(self):
        layers = [_dense(4, "tanh"), _dense(3)]
        model = _network((3,), *layers)
        _randomise(model, self.rng)
        small_layers = [_dense(4, "tanh", "float32"), _dense(3, None, "float32")]
        small = _network((3,), *small_layers)
        small.set_weights(model.get_weights())
        inputs = self.rng.normal(size=(20, 3))
        labels = self.rng.integers(0, 3, size=20)
        exact = measures.Hessian(model, _softmax, (inputs, labels)).dense()
        found = measures.Hessian(
            small, _softmax, (inputs.astype(np.float32), labels)
        ).dense()
        self.assertDTypeEqual(found, np.float64)
        # Entries of order 1 after tens of float32 operations of relative error 6e-8.
        self.assertAllClose(found, exact, rtol=0, atol=1e-5)

    def test_rejects(self):
        model = _network((3,), _dense(2))
        inputs, labels = np.ones((4, 3)), np.array([0, 1, 1, 0])

        with self.assertRaisesRegex(errors.UserError, "l2=-1.0"):
            measures.Hessian(model, _softmax, (inputs, labels), l2=-1.0).dense()
        with self.assertRaisesRegex(errors.UserError, r"data=.*\[3, 4\]"):
            measures.Hessian(model, _softmax, (inputs, labels[:3])).dense()
        with self.assertRaisesRegex(errors.UserError, "data='empty'"):
            measures.Hessian(model, _softmax, (inputs[:0], labels[:0])).dense()
        with self.assertRaisesRegex(errors.UserError, "model=.*5001 weights"):
            large = _network((5000,), _dense(1))
            measures.Hessian(large, _sigmoid, (np.ones((1, 5000)), labels[:1])).dense()
        with self.assertRaisesRegex(errors.UserError, "model=.*no trainable weights"):
            empty = _network((3,), keras.layers.Activation("relu", dtype="float64"))
            measures.Hessian(empty, _softmax, (inputs, labels)).dense()


if __name__ == "__main__":
    tf.test.main()
