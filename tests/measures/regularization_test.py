"""Tests that losses which a model adds count in every measure, or are left out."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, measures
from bsgen.measures.operators import curvature, gradient_covariance

_SIZE = 13
_WITH = "inference, with regularization losses"
_WITHOUT = "inference, without regularization losses"


def _model(rng, **options):
    dense = keras.layers.Dense(
        1, kernel_regularizer=keras.regularizers.L2(0.5), dtype="float64", **options
    )
    model = keras.Sequential([keras.Input((3,), dtype="float64"), dense])
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    model.compile("sgd", "mse")
    return model


class RegularizationTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(3)
        self.model = _model(self.rng)
        self.data = self.rng.normal(size=(_SIZE, 3)), self.rng.normal(size=_SIZE)
        inputs = np.hstack([self.data[0], np.ones((_SIZE, 1))])
        self.plain = 2 * inputs.T @ inputs / _SIZE
        # 0.5 |kernel|^2 has the Hessian 1 along the kernel.
        self.whole = self.plain + np.diag([1.0, 1.0, 1.0, 0.0])
        weights = np.concatenate([w.ravel() for w in self.model.get_weights()])
        rests = inputs @ weights - self.data[1]
        self.examples = 2 * rests[:, np.newaxis] * inputs
        self.pull = np.append(weights[:3], 0.0)
        self.losses = np.mean(rests**2), 0.5 * np.sum(weights[:3] ** 2)

    @parameterized.parameters(curvature.Hessian, curvature.GaussNewton)
    def test_products_and_gradient(self, kind):
        for regularization, matrix in ((True, self.whole), (False, self.plain)):
            for method in ("forward_over_reverse", "reverse_over_reverse"):
                operator = kind(
                    self.model,
                    None,
                    self.data,
                    regularization=regularization,
                    method=method,
                    batch_size=5,
                )
                vector = self.rng.normal(size=4)
                self.assertAllClose(operator.matvec(vector), matrix @ vector)
            pull = self.pull if regularization else 0.0
            expected = self.examples.mean(axis=0) + pull
            self.assertAllClose(operator.gradient(), expected)
            self.assertEqual(operator.mode, _WITH if regularization else _WITHOUT)

    def test_measures_of_curvature(self):
        for options, matrix, mode in (
            ({}, self.whole, _WITH),
            ({"regularization": False}, self.plain, _WITHOUT),
            ({"l2": 0.25}, self.whole + 0.25 * np.eye(4), _WITH),
        ):
            arguments = (self.model, None, self.data)
            values = np.linalg.eigvalsh(matrix)
            dense = measures.Hessian(*arguments, **options).dense()
            self.assertAllClose(dense, matrix)
            top = measures.top_eigenvalue(measures.Hessian(*arguments, **options))
            self.assertAllClose(top.value, values[-1], rtol=1e-3)
            self.assertEqual(top.mode, mode)
            if options:
                continue
            trace = measures.hessian_trace(
                measures.Hessian(*arguments), relative_error=0.01
            )
            self.assertAllClose(trace.value, values.sum(), rtol=0.05)
            norm = measures.hessian_frobenius_norm(
                measures.Hessian(*arguments), relative_error=0.01
            )
            self.assertAllClose(norm.value, np.linalg.norm(values), rtol=0.05)
            self.assertEqual((trace.mode, norm.mode), (mode, mode))

    def test_stable_and_critical_rates_agree(self):
        found = measures.largest_stable_learning_rate(
            measures.Hessian(self.model, None, self.data), num_steps=300, tolerance=0.02
        )
        critical = 2 / np.linalg.eigvalsh(self.whole)[-1]
        self.assertAllClose(found.predicted.value, critical, rtol=1e-2)
        self.assertAllClose(found.value, critical, rtol=0.05)
        self.assertEqual(found.mode, _WITH)

    def test_loss_along_a_line(self):
        ends = [w + 1.0 for w in self.model.get_weights()]
        for regularization, mode in ((True, _WITH), (False, _WITHOUT)):
            found = measures.loss_along_line(
                self.model,
                None,
                self.data,
                self.model,
                ends,
                [0.0],
                regularization=regularization,
            )
            expected = self.losses[0] + regularization * self.losses[1]
            self.assertAllClose(found.loss, [expected])
            self.assertEqual(found.mode, mode)

    def test_they_have_no_noise_but_a_gradient(self):
        trace = np.var(self.examples, axis=0, ddof=1).sum()
        mean = self.examples.mean(axis=0)
        for regularization, gradient in ((True, mean + self.pull), (False, mean)):
            found = measures.gradient_noise(
                self.model, None, self.data, regularization=regularization
            )
            self.assertAllClose(found.trace, trace)
            self.assertAllClose(found.data_squared_norm, gradient @ gradient)
        operator = gradient_covariance.GradientCovariance(self.model, None, self.data)
        vector = self.rng.normal(size=4)
        expected = np.cov(self.examples, rowvar=False, bias=True) @ vector
        self.assertAllClose(operator.matvec(vector), expected)
        drawn = measures.noise_by_batch_size(self.model, None, self.data, [2])
        self.assertAllClose(drawn.example_trace, trace)
        self.assertEqual(drawn.mode, _WITH)

    def test_what_an_example_adds(self):
        # The mean of squared outputs is a mean over examples; their sum is none.
        model = _model(self.rng, activity_regularizer="l2")
        measures.gradient_noise(model, None, self.data)

        class AddsSum(keras.layers.Layer):
            def call(self, inputs):
                self.add_loss(keras.ops.sum(inputs**2))
                return inputs

        layers = [keras.Input((3,)), keras.layers.Dense(1), AddsSum()]
        summed = keras.Sequential(layers)
        with self.assertRaisesRegex(errors.UserError, "no mean over the examples"):
            measures.gradient_noise(summed, "mse", self.data)
        measures.gradient_noise(summed, "mse", self.data, regularization=False)
        with self.assertRaisesRegex(errors.UserError, "losses that depend on the data"):
            measures.GradientCovariance(summed, "mse", self.data).matvec(np.ones(4))


if __name__ == "__main__":
    tf.test.main()
