"""Tests of products with the covariance of gradients, against all of them."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, measures
from bsgen.measures.operators import gradient_covariance
from tests import two_devices
from tests.measures import small_models

_ROUNDING = 1e-11  # of float64 sums over at most some hundred weights and examples


def covariance(model, inputs, labels):
    """Slow twin: every example's gradient, one at a time."""
    gradients = [
        small_models.mean_gradient(model, inputs[i : i + 1], labels[i : i + 1])
        for i in range(len(inputs))
    ]
    return np.cov(np.array(gradients), rowvar=False, bias=True)


def operator(model, data, **options):
    return gradient_covariance.GradientCovariance(
        model, small_models.softmax, data, **options
    )


class GradientCovarianceTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(11)

    @parameterized.product(
        kind=("dense", "convolution", "batch_norm", "unrolled_lstm"),
        method=("forward_over_reverse", "reverse_over_reverse"),
    )
    def test_all_gradients(self, kind, method):
        model, data = small_models.make(kind, self.rng, num_examples=13)
        found = operator(model, data, batch_size=5, method=method)
        expected = covariance(model, *data)
        for _ in range(2):
            vector = self.rng.normal(size=found.size)
            self.assertAllClose(
                found.matvec(vector), expected @ vector, rtol=0, atol=_ROUNDING
            )
        self.assertEqual((found.method, found.mode), (method, "inference"))

    def test_a_layer_without_a_forward_derivative(self):
        model, data = small_models.make("lstm", self.rng)
        found = operator(model, data)
        vector = self.rng.normal(size=found.size)
        expected = covariance(model, *data) @ vector
        self.assertAllClose(found.matvec(vector), expected, rtol=0, atol=_ROUNDING)

    def test_its_trace_is_that_of_the_gradient_noise(self):
        model, data = small_models.make("dense", self.rng, num_examples=9)
        found = operator(model, data)
        trace = sum(found.matvec(row)[i] for i, row in enumerate(np.eye(found.size)))
        noise = measures.gradient_noise(model, small_models.softmax, data)
        self.assertAllClose(trace, 8 / 9 * noise.trace, rtol=_ROUNDING)

    def test_its_top_eigenvalue(self):
        # From a start on a sample of the 520 examples, which has a mean of its own.
        model, data = small_models.make("dense", self.rng, num_examples=520)
        found = operator(model, data)
        expected = np.linalg.eigvalsh(covariance(model, *data))[-1]
        for _ in range(2):
            top = measures.top_eigenvalue(found, tolerance=1e-9)
            self.assertGreater(top.start_products, 0.0)
            self.assertAllClose(top.value, expected, rtol=1e-9)

    def test_follows_the_model_s_weights(self):
        model, data = small_models.make("dense", self.rng)
        found = operator(model, data)
        vector = self.rng.normal(size=found.size)
        found.matvec(vector)
        small_models.randomise(model, self.rng)
        expected = covariance(model, *data) @ vector
        self.assertAllClose(found.matvec(vector), expected, rtol=0, atol=_ROUNDING)

    def test_a_loss_that_is_a_mean_will_do(self):
        model, data = small_models.make("dense", self.rng)
        found = gradient_covariance.GradientCovariance(
            model, lambda y, z: tf.reduce_mean(small_models.softmax(y, z)), data
        )
        vector = self.rng.normal(size=found.size)
        expected = covariance(model, *data) @ vector
        self.assertAllClose(found.matvec(vector), expected, rtol=0, atol=_ROUNDING)

    def test_equal_examples_have_no_noise(self):
        model, (inputs, labels) = small_models.make("dense", self.rng, num_examples=1)
        data = np.repeat(inputs, 4, 0), np.repeat(labels, 4)
        found = operator(model, data)
        product = found.matvec(self.rng.normal(size=found.size))
        self.assertAllClose(product, np.zeros(found.size), rtol=0, atol=_ROUNDING)

    def test_two_replicas_are_one(self):
        with two_devices.strategy().scope():
            model, data = small_models.make("dense", self.rng, num_examples=13)
        found = operator(model, data, batch_size=5)
        vector = self.rng.normal(size=found.size)
        expected = covariance(model, *data) @ vector
        self.assertAllClose(found.matvec(vector), expected, rtol=0, atol=_ROUNDING)

    def test_there_is_no_penalty_and_no_training_mode(self):
        model, data = small_models.make("dense", self.rng)
        for option in ({"l2": 0.1}, {"training": True}):
            with self.assertRaises(TypeError):
                operator(model, data, **option)
        with self.assertRaisesRegex(errors.UserError, "^method='fast'"):
            operator(model, data, method="fast")

    def test_a_loss_without_a_gradient(self):
        model, data = small_models.make("dense", self.rng)
        flat = keras.losses.MeanSquaredError()
        found = gradient_covariance.GradientCovariance(
            model, lambda y, z: flat(tf.zeros([1, 3]), tf.round(z)), data
        )
        with self.assertRaisesRegex(errors.UserError, "^loss=.*differentiable"):
            found.matvec(np.ones(found.size))


if __name__ == "__main__":
    tf.test.main()
