"""Tests of the gradient noise against all per-example gradients, and of its errors."""

from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, measures
from bsgen.measures.noise import group_gradients, noise_moments
from tests.measures import small_models

_ROUNDING = 1e-11  # of float64 sums over at most some hundred weights and examples


def moments(gradients):
    """Slow twin: unbiased trace and squared norm from all gradients [n, P]."""
    n = len(gradients)
    trace = np.trace(np.atleast_2d(np.cov(gradients, rowvar=False)))
    mean = gradients.mean(0)
    return trace, mean @ mean - trace / n


def jackknifed(gradients):
    """Slow twin: leaves each gradient out; errors of trace, norm and their ratio."""
    n = len(gradients)
    trace, norm = moments(gradients)
    left = np.array([moments(np.delete(gradients, i, 0)) for i in range(n)])
    columns = [*left.T, (left[:, 0] - trace / norm * left[:, 1]) / norm]
    return [np.sqrt((n - 1) * np.var(column)) for column in columns]


def per_example(model, inputs, labels, size=1, training=False):
    return np.array(
        [
            small_models.mean_gradient(
                model, inputs[i : i + size], labels[i : i + size], training
            )
            for i in range(0, len(inputs) - size + 1, size)
        ]
    )


def measure(model, data, **options):
    return measures.gradient_noise(model, small_models.softmax, data, **options)


class GradientNoiseTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(3)

    def test_linear_regression(self):
        # g_i = 2 (x_i w - y_i) x_i.
        inputs = self.rng.normal(size=(12, 4))
        targets = self.rng.normal(size=(12, 1))
        layer = keras.layers.Dense(1, use_bias=False, dtype="float64")
        model = small_models.network((4,), layer, dtype="float64")
        errors_of = inputs @ model.get_weights()[0] - targets
        gradients = 2 * errors_of * inputs
        found = measures.gradient_noise_scale(
            model, small_models.squared_error, (inputs, targets)
        )
        trace, norm = moments(gradients)
        self.assertAllClose(found.noise.trace, trace, rtol=_ROUNDING)
        self.assertAllClose(found.noise.squared_norm, norm, rtol=_ROUNDING)
        self.assertAllClose(found.value, trace / norm, rtol=_ROUNDING)
        self.assertEqual((found.num_examples, found.mode), (12, "inference"))

    @parameterized.parameters("dense", "convolution", "batch_norm")
    def test_all_gradients(self, kind):
        model, data = small_models.make(kind, self.rng, num_examples=23)
        gradients = per_example(model, *data)
        found = measure(model, data, batch_size=10)
        trace, norm = moments(gradients)
        self.assertAllClose(
            [found.trace, found.squared_norm, found.noise_scale],
            [trace, norm, trace / norm],
            rtol=_ROUNDING,
        )
        self.assertAllClose(
            [
                found.trace_standard_error,
                found.squared_norm_standard_error,
                found.noise_scale_standard_error,
            ],
            jackknifed(gradients),
            rtol=1e-8,  # differences of estimates that are nearly equal
        )

    def test_a_large_common_part_is_subtracted_first(self):
        # E[g^2] - E[g]^2 would lose all digits: float32 has seven, the parts differ
        # by eight.
        targets = (1e4 + self.rng.normal(size=(50, 1))).astype("f")
        layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
        model = small_models.network((1,), layer)
        found = measures.gradient_noise(
            model, small_models.squared_error, (np.ones((50, 1), "f"), targets)
        )
        expected = 4 * np.var(targets.astype(float), ddof=1)
        # Each gradient is 2e4, rounded to 1e-3 beside a deviation of 2.
        self.assertAllClose(found.trace, expected, rtol=2e-3)

    def test_arrays_are_a_data_set_with_uneven_batches(self):
        model, (inputs, labels) = small_models.make("dense", self.rng, 21)
        whole = measure(model, (inputs, labels))
        pairs = [(inputs[a:b], labels[a:b]) for a, b in ((0, 9), (9, 10), (10, 21))]
        batches = tf.data.Dataset.from_generator(
            lambda: iter(pairs),
            output_signature=(
                tf.TensorSpec([None, 4], tf.float64),
                tf.TensorSpec([None], tf.int64),
            ),
        )
        cut = measure(model, batches)
        few = 3 * 8 * model.count_params()
        with mock.patch.object(group_gradients, "_MAX_BYTES", few):
            chunked = measure(model, (inputs, labels))
        for other in (cut, chunked):
            self.assertEqual(other.num_examples, 21)
            self.assertAllClose(other.noise_scale, whole.noise_scale, rtol=_ROUNDING)
            self.assertAllClose(
                other.noise_scale_standard_error,
                whole.noise_scale_standard_error,
                rtol=1e-8,
            )

    def test_groups_in_training_mode(self):
        model, data = small_models.make("batch_norm", self.rng, 26)
        model.layers[-2].rate = 0.0  # dropout draws
        found = measure(model, data, training=True, group_size=4, batch_size=10)
        # Batches of 12, 12 and 2: the last two examples fill no group.
        trace, norm = moments(per_example(model, *data, size=4, training=True))
        self.assertAllClose(
            [found.trace, found.squared_norm, found.noise_scale],
            [4 * trace, norm, 4 * trace / norm],
            rtol=_ROUNDING,
        )
        self.assertEqual((found.num_examples, found.mode), (24, "training"))

    def test_the_penalty_has_no_noise(self):
        model, data = small_models.make("dense", self.rng, 15)
        weights = np.concatenate([w.ravel() for w in model.get_weights()])
        gradients = per_example(model, *data) + 0.3 * weights
        found = measure(model, data, l2=0.3)
        self.assertAllClose(
            [found.trace, found.squared_norm], moments(gradients), rtol=_ROUNDING
        )
        self.assertAllClose(
            found.noise_scale_standard_error, jackknifed(gradients)[2], rtol=1e-8
        )

    def test_what_cannot_be_told_is_infinite(self):
        two = noise_moments.from_deviations(np.ones(2), np.zeros(2), 4.0)
        self.assertEqual(two.noise_scale, 2 / 3)
        self.assertEqual(two.noise_scale_standard_error, np.inf)
        lost = noise_moments.from_deviations(np.ones(9), np.zeros(9), 0.1)
        self.assertLess(lost.squared_norm, 0)
        self.assertEqual(lost.noise_scale, np.inf)
        self.assertEqual(lost.noise_scale_standard_error, np.inf)

    @parameterized.named_parameters(
        ("one_example", 1, {}, "at least 2 groups"),
        ("empty", 0, {}, "at least one"),
        ("training", 9, {"training": True}, "at least 2 examples in training"),
        ("penalty", 9, {"l2": -1.0}, "l2"),
    )
    def test_mistakes(self, num_examples, options, message):
        model, data = small_models.make("dense", self.rng, num_examples)
        with self.assertRaisesRegex(errors.UserError, message):
            measure(model, data, **options)

    def test_models_that_cannot_be_measured(self):
        model, (inputs, labels) = small_models.make("dense", self.rng, 9)
        inputs[3] = np.inf
        with self.assertRaisesRegex(errors.UserError, "NaN or infinite"):
            measure(model, (inputs, labels))
        model.layers[-1].bias.assign(np.full(3, np.inf))
        with self.assertRaisesRegex(errors.UserError, "model=.*weights are not finite"):
            measure(model, (inputs, labels))
        model.trainable = False
        with self.assertRaisesRegex(errors.UserError, "no trainable weights"):
            measure(model, (inputs, labels))


if __name__ == "__main__":
    tf.test.main()
