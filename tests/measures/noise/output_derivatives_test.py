"""Tests of appendix A's check of the prior."""

import sys
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, measures
from bsgen.measures.operators import groupwise
from tests.measures import layer_zoo

# The package re-exports the function under the module's own name.
_MODULE = sys.modules["bsgen.measures.noise.output_derivatives"]


def _network(input_shape, *layers):
    return keras.Sequential([keras.Input(input_shape, dtype="float64"), *layers])


def _dense(units, activation=None):
    return keras.layers.Dense(units, activation=activation, dtype="float64")


def _whitened(rng, num_examples, num_features):
    """Inputs whose mean is 0 and whose second moment is the identity, to rounding."""
    inputs = rng.normal(size=(num_examples, num_features))
    left, _, right = np.linalg.svd(inputs - inputs.mean(axis=0), full_matrices=False)
    return left @ right * np.sqrt(num_examples)


def _slow_jacobian(model, inputs):
    """Slow twin: one backward pass for each example and output; [N * K, P]."""
    rows = []
    for example in inputs:
        for output in range(model.output_shape[-1]):
            with tf.GradientTape() as tape:
                y = model(example[np.newaxis], training=False)[0, output]
            gradients = tape.gradient(y, [v.value for v in model.trainable_variables])
            parts = [np.ravel(tf.convert_to_tensor(g)) for g in gradients]
            rows.append(np.concatenate(parts))
    return np.array(rows)


class OutputDerivativesTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(0)

    def test_linear_model_with_whitened_inputs_meets_both_conditions(self):
        model = _network((5,), keras.layers.Dense(1, use_bias=False, dtype="float64"))
        found = measures.output_derivatives(model, _whitened(self.rng, 40, 5))
        self.assertAllClose(found.mean, np.zeros(5), atol=1e-14)
        self.assertAllClose(found.second_moment, np.eye(5), rtol=0, atol=1e-14)
        self.assertLess(found.largest_mean, 1e-14)

    def test_bias_has_mean_one_and_no_covariance(self):
        found = measures.output_derivatives(
            _network((5,), _dense(1)), _whitened(self.rng, 40, 5)
        )
        self.assertAllClose(found.mean, [0, 0, 0, 0, 0, 1], atol=1e-14)
        self.assertAllClose(found.second_moment, np.eye(6), rtol=0, atol=1e-14)
        expected = np.diag([1.0, 1, 1, 1, 1, 0])
        self.assertAllClose(found.covariance, expected, rtol=0, atol=1e-14)
        self.assertAllClose(found.largest_mean, 1.0, rtol=1e-14)

    def test_raw_inputs_fail_by_their_own_moments(self):
        inputs = self.rng.uniform(1.0, 3.0, size=(50, 4))
        model = _network((4,), keras.layers.Dense(1, use_bias=False, dtype="float64"))
        found = measures.output_derivatives(model, inputs)
        moment = inputs.T @ inputs / 50
        self.assertAllClose(found.largest_mean, inputs.mean(axis=0).max(), rtol=1e-14)
        self.assertAllClose(found.second_moment, moment, rtol=1e-13)
        self.assertAllClose(found.second_moment_diagonal, np.diag(moment), rtol=1e-13)

    @parameterized.product(
        output=[None, 0, 2],
        max_entries=[2**24, 500],
        covariance=[True, False],
    )
    def test_agrees_with_one_backward_pass_at_a_time(
        self, output, max_entries, covariance
    ):
        model = _network(
            (6, 6, 1),
            keras.layers.Conv2D(2, 3, activation="tanh", dtype="float64"),
            keras.layers.BatchNormalization(dtype="float64"),
            keras.layers.GlobalAveragePooling2D(dtype="float64"),
            keras.layers.Dropout(0.5, dtype="float64"),
            _dense(3),
        )
        for variable in model.trainable_variables:
            variable.assign(self.rng.normal(size=variable.shape))
        inputs = self.rng.normal(size=(7, 6, 6, 1))
        rows = _slow_jacobian(model, inputs)
        if output is not None:
            rows = rows[output::3]
        with (
            mock.patch.object(_MODULE, "_MAX_ENTRIES", max_entries),
            mock.patch.object(groupwise, "one_by_one") as one_by_one,
        ):
            found = measures.output_derivatives(model, inputs, output, covariance)
        one_by_one.assert_not_called()
        moment = rows.T @ rows / len(rows)
        self.assertAllClose(found.mean, rows.mean(axis=0), rtol=0, atol=1e-13)
        self.assertAllClose(
            found.second_moment_diagonal, np.diag(moment), rtol=0, atol=1e-13
        )
        if covariance:
            self.assertAllClose(found.second_moment, moment, rtol=0, atol=1e-13)
            expected = np.cov(rows, rowvar=False, bias=True)
            self.assertAllClose(found.covariance, expected, rtol=0, atol=1e-12)
        else:
            self.assertIsNone(found.second_moment)
            self.assertIsNone(found.covariance)

    @parameterized.parameters("einsum", "attention", "lstm")
    def test_layers_that_are_not_vectorised_as_they_stand(self, name):
        model, inputs, _ = layer_zoo.make(name, self.rng, num_examples=4)
        rows = _slow_jacobian(model, inputs).astype(float)
        found = measures.output_derivatives(model, inputs)
        moment = rows.T @ rows / len(rows)
        # Of float32, through some dozen layers, relative to the largest entry.
        atol = 1e-5 * np.abs(moment).max()
        self.assertAllClose(found.second_moment, moment, rtol=0, atol=atol)
        atol = 1e-5 * np.abs(rows).max()
        self.assertAllClose(found.mean, rows.mean(axis=0), rtol=0, atol=atol)

    def test_large_model_without_the_matrix(self):
        model = _network((100,), _dense(60, "relu"), _dense(2))
        inputs = self.rng.normal(size=(3, 100))
        with self.assertRaisesRegex(errors.UserError, "covariance=True: .*6182"):
            measures.output_derivatives(model, inputs)
        found = measures.output_derivatives(model, inputs, covariance=False)
        rows = _slow_jacobian(model, inputs)
        self.assertAllClose(found.mean, rows.mean(axis=0), rtol=0, atol=1e-13)

    def test_several_inputs(self):
        first, second = (
            keras.Input((n,), name=name, dtype="float64")
            for n, name in ((3, "first"), (2, "second"))
        )
        both = keras.layers.Concatenate(dtype="float64")([first, second])
        dense = _dense(2, "tanh")
        by_name = keras.Model({"first": first, "second": second}, dense(both))
        in_order = keras.Model([first, second], by_name.outputs[0])
        whole = self.rng.normal(size=(9, 5))
        joined = _network((5,), dense)
        expected = _slow_jacobian(joined, whole)
        for model, inputs in (
            (by_name, {"second": whole[:, 3:], "first": whole[:, :3]}),
            (in_order, [whole[:, :3], whole[:, 3:]]),
            (in_order, (whole[:, :3], whole[:, 3:])),
        ):
            found = measures.output_derivatives(model, inputs)
            moment = expected.T @ expected / 18
            self.assertAllClose(found.second_moment, moment, rtol=0, atol=1e-14)
        with self.assertRaisesRegex(errors.UserError, r"differ in length: \[4, 9\]"):
            measures.output_derivatives(in_order, [whole[:, :3], whole[:4, 3:]])

    def test_rejects(self):
        model = _network((4,), _dense(2))
        two = keras.Model(model.inputs, [model.outputs[0], model.outputs[0]])
        with self.assertRaisesRegex(errors.UserError, "model=.*2 output tensors"):
            measures.output_derivatives(two, np.ones((3, 4)))
        with self.assertRaisesRegex(errors.UserError, "output=2: .* 0 to 1"):
            measures.output_derivatives(model, np.ones((3, 4)), output=2)
        with self.assertRaisesRegex(errors.UserError, "inputs="):
            measures.output_derivatives(model, np.ones((0, 4)))
        with self.assertRaisesRegex(errors.UserError, "model=.*no trainable weights"):
            model.trainable = False
            measures.output_derivatives(model, np.ones((3, 4)))


if __name__ == "__main__":
    tf.test.main()
