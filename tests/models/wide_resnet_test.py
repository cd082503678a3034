"""Tests of the wide ResNets, with normalisation and with Regularized SkipInit."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, errors, layers, models
from bsgen.models import wide_resnet
from tests.models import weights


def _of_class(model, cls):
    return [layer for layer in model.layers if isinstance(layer, cls)]


class WideResnetTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        # n = 2, widths 64, 128, 256. Convolutions: first 27 * 16 = 432; 9 * (16 * 64 +
        # 3 * 64^2 + 64 * 128 + 3 * 128^2 + 128 * 256 + 3 * 256^2) = 9 * 300,032 =
        # 2,700,288; shortcuts 1,024 + 8,192 + 32,768 = 41,984.
        # Gamma and beta, before each of the 12 convolutions and at the end: 2 * (16 + 3
        # * 64 + 64 + 3 * 128 + 128 + 3 * 256 + 256) = 3,616. Last: 257 * 10.
        ("wrn_16_4", 10, 432 + 2700288 + 41984, 3616, 2570),
        # n = 4, widths 160, 320, 640: 9 * (16 * 160 + 7 * 160^2 + 160 * 320 + 7 * 320^2
        # + 320 * 640 + 7 * 640^2) = 36,195,840; shortcuts 2,560 + 51,200 + 204,800 =
        # 258,560; 2 * (16 + 8 * (160 + 320 + 640)) = 17,952; 641 * 100.
        ("wrn_28_10", 100, 432 + 36195840 + 258560, 17952, 64100),
    )
    def test_number_of_weights(self, name, num_classes, kernels, scales, last):
        model = models.build(config.ModelConfig(name), (32, 32, 3), num_classes)
        self.assertEqual(weights.trainable(model), kernels + scales + last)
        self.assertEqual(weights.running(model), scales)

        settings = config.ModelConfig(name, normalization="none")
        model = models.build(settings, (32, 32, 3), num_classes)
        # A scalar for each of 3 n blocks, and biases after all convolutions but the
        # first: of 2 n + 1 convolutions at each of three widths.
        blocks = {"wrn_16_4": 2, "wrn_28_10": 4}[name]
        widths = {"wrn_16_4": 448, "wrn_28_10": 1120}[name]
        biases = (2 * blocks + 1) * widths
        self.assertEqual(weights.trainable(model), kernels + biases + 3 * blocks + last)
        self.assertEqual(weights.running(model), 0)

    def test_skip_init_starts_as_shortcuts_and_zero_logits(self):
        model = wide_resnet.wide_resnet(10, 1, (8, 8, 3), 5, normalization=None)
        images = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype(np.float32)
        self.assertAllEqual(model(images), np.zeros((4, 5)))
        head = model.layers[-1]
        head.kernel.assign(np.random.default_rng(1).normal(size=head.kernel.shape))
        before = model(images).numpy()
        self.assertGreater(np.abs(before).max(), 0.01)
        # The first convolutions are those of the branches: at 0 they change nothing ...
        convolutions = [
            layer
            for layer in _of_class(model, keras.layers.Conv2D)[1:]
            if layer.kernel_size == (3, 3)
        ]
        self.assertLen(convolutions, 6)
        for layer in convolutions:
            layer.bias.assign(tf.ones_like(layer.bias))
        self.assertAllClose(model(images), before, rtol=1e-6)
        # ... until the scalars leave 0.
        for layer in _of_class(model, layers.SkipInit):
            layer.set_weights([np.array(0.5)])
        self.assertGreater(np.abs(model(images) - before).max(), 0.01)

    @parameterized.parameters(
        ("batch", None, []),
        ("batch", 0.2, [0.2]),
        ("none", None, [0.6]),
        ("none", 0.0, []),
    )
    def test_dropout_is_skip_inits_own(self, normalization, dropout, expected):
        settings = config.ModelConfig(
            "wrn_16_4", normalization=normalization, dropout=dropout
        )
        model = models.build(settings, (8, 8, 3), 10)
        rates = [layer.rate for layer in _of_class(model, keras.layers.Dropout)]
        self.assertEqual(rates, expected)
        self.assertLen(_of_class(model, layers.SkipInit), 6 * (normalization == "none"))

    def test_a_block_is_the_formula(self):
        # One group's block of one width has no convolution in its shortcut: compare the
        # second block of WRN-16-1's first group with the formula, layer by layer.
        model = wide_resnet.wide_resnet(16, 1, (6, 6, 3), 4, seed=2)
        adds = _of_class(model, keras.layers.Add)
        inner = keras.Model(model.input, [adds[0].output, adds[1].output])
        images = np.random.default_rng(2).normal(size=(4, 6, 6, 3)).astype(np.float32)
        inputs, outputs = inner(images, training=True)
        kernels = [layer.kernel for layer in _of_class(model, keras.layers.Conv2D)[3:5]]
        expected = inputs
        for kernel in kernels:
            mean, variance = tf.nn.moments(expected, (0, 1, 2))
            expected = tf.nn.relu((expected - mean) / tf.sqrt(variance + 1e-5))
            expected = tf.nn.conv2d(expected, kernel.value, 1, "SAME")
        # float32 sums of 144 products.
        self.assertAllClose(outputs, inputs + expected, atol=1e-4)

    @parameterized.parameters(4, 14, 15)
    def test_depths_that_cannot_be(self, depth):
        with self.assertRaisesRegex(errors.UserError, f"^depth={depth}: .*6 n"):
            wide_resnet.wide_resnet(depth, 1, (8, 8, 3), 10)


if __name__ == "__main__":
    tf.test.main()
