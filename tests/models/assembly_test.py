"""Tests of the parts that the networks are put together from."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors
from bsgen.models import assembly, normalization


class AssemblyTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        # Ones under a kernel of ones: each output counts the pixels that it sees. On
        # 5 pixels and a margin of 1 the corner sees 2 x 2; after a stride of 2 the
        # next one sees 3.
        (1, None, [2, 3, 3, 3, 2]),
        (2, None, [2, 3, 2]),
        (2, 0, [3, 3]),
        (1, 0, [3, 3, 3]),
        (1, 2, [1, 2, 3, 3, 3, 2, 1]),
    )
    def test_the_margin_is_the_same_on_all_sides(self, strides, margin, expected):
        inputs = keras.Input((5, 5, 1))
        parts = assembly.Assembly(0, normalization.BATCH)
        model = keras.Model(inputs, parts.convolve(inputs, 1, 3, strides, margin))
        model.set_weights([np.ones((3, 3, 1, 1))])
        counts = model(np.ones((1, 5, 5, 1)))[0, :, :, 0]
        self.assertAllEqual(counts, np.outer(expected, expected))

    def test_biases_stand_where_no_normalisation_follows(self):
        inputs = keras.Input((4, 4, 2))
        for factory, count in ((None, 2), (normalization.BATCH, 1)):
            parts = assembly.Assembly(0, factory)
            model = keras.Model(inputs, parts.convolve(inputs, 3, 3))
            self.assertLen(model.weights, count)

    def test_no_two_draws_meet(self):
        inputs = keras.Input((50,))
        kernels = []
        for seed in (0, 1):
            parts = assembly.Assembly(seed, None)
            for _ in range(3):
                kernels.append(keras.Model(inputs, parts.dense(inputs, 40)).weights[0])
        for number, one in enumerate(kernels):
            for two in kernels[:number]:
                self.assertFalse(np.any(one.numpy() == two.numpy()))

    @parameterized.parameters(
        # Fan in 9 * 40 = 360, fan out 9 * 80 = 720. E w^4 / (E w^2)^2 is 3 for a normal
        # distribution, 9 / 5 for a uniform one, 2.65 for Keras' truncated normal.
        (assembly.he_normal, 2 / 360, 3),
        (assembly.he_normal_fan_out, 2 / 720, 3),
        (assembly.glorot_uniform, 2 / 1080, 1.8),
        (assembly.uniform_fan_in, 1 / 360 / 3, 1.8),
        (assembly.normal(0.01), 1e-4, 3),
    )
    def test_variance_and_shape_of_the_draws(self, kernels, variance, kurtosis):
        draws = np.asarray(kernels(3)((3, 3, 40, 80)), np.float64)
        # 28,800 draws: relative errors of at most sqrt(2 / n) = 0.008 in the mean
        # square and sqrt(96 / n) / 3 = 0.02 in the kurtosis; 4 of them.
        self.assertAllClose(np.mean(draws**2), variance, rtol=0.033)
        self.assertAllClose(np.mean(draws**4) / variance**2, kurtosis, rtol=0.09)

    def test_logits_keep_full_precision_under_a_mixed_policy(self):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16")
        self.addCleanup(keras.config.set_dtype_policy, before)
        inputs = keras.Input((4,))
        parts = assembly.Assembly(0, None)
        hidden = parts.dense(inputs, 3)
        self.assertEqual(hidden.dtype, "bfloat16")
        self.assertEqual(parts.logits(hidden, 2).dtype, "float32")

    def test_dropout_drops_its_share_in_training_only(self):
        inputs = keras.Input((2000,))
        parts = assembly.Assembly(0, None)
        self.assertIs(parts.dropout(inputs, 0.0), inputs)
        model = keras.Model(inputs, parts.dropout(inputs, 0.25))
        ones = np.ones((1, 2000), np.float32)
        self.assertAllEqual(model(ones), ones)
        # A standard deviation of sqrt(0.25 * 0.75 / 2000) = 0.0097; 4 of them.
        share = np.mean(model(ones, training=True) == 0)
        self.assertAllClose(share, 0.25, atol=0.039)

    @parameterized.parameters(((32,),), ((32, 7),), ((8, 7, 3),), ((7, 8, 3),))
    def test_inputs_that_do_not_fit(self, shape):
        with self.assertRaisesRegex(errors.UserError, "^input_shape=.*at least 8"):
            assembly.image_input(shape, 8)


if __name__ == "__main__":
    tf.test.main()
