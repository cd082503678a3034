"""Tests of the ResNets for CIFAR."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, errors, models
from bsgen.models import resnet
from tests.models import weights


def _images(side, channels=3, batch_size=4):
    rng = np.random.default_rng(0)
    shape = (batch_size, side, side, channels)
    return rng.normal(size=shape).astype(np.float32)


class ResnetTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        # n = (depth - 2) / 6 blocks a group. Convolutions: first 27 * 16 = 432; of 16
        # channels 2 n * 2,304; of 32 4,608 + (2 n - 1) * 9,216; of 64 18,432 + (2 n -
        # 1) * 36,864. Gamma and beta: 2 * (16 + 2 n * (16 + 32 + 64)). Last: 65 * 10.
        # n = 7: 432 + 32,256 + 124,416 + 497,664 + 3,168 + 650.
        ("resnet44", "paper", 658586, 3168),
        # n = 9: 432 + 41,472 + 161,280 + 645,120 + 4,064 + 650.
        ("resnet56", "paper", 853018, 4064),
        # Shortcuts 16 * 32 + 32 * 64 = 2,560 and 2 * (32 + 64) = 192 more.
        ("resnet44", "released", 658586 + 2752, 3168 + 192),
        ("resnet56", "released", 853018 + 2752, 4064 + 192),
        # The released "wide" ResNet, n = 2, widths 64, 128, 256: 27 * 64 = 1,728;
        # 4 * 36,864 = 147,456; 73,728 + 3 * 147,456 = 516,096; 294,912 + 3 * 589,824 =
        # 2,064,384; shortcuts 8,192 + 32,768; 2 * (64 + 4 * 448 + 128 + 256) = 4,480;
        # 257 * 10.
        (
            "wrn_16_4",
            "released",
            1728 + 147456 + 516096 + 2064384 + 40960 + 4480 + 2570,
            4480,
        ),
    )
    def test_number_of_weights(self, name, variant, trainable, running):
        settings = config.ModelConfig(name, variant=variant)
        model = models.build(settings, (32, 32, 3), 10)
        self.assertEqual(weights.trainable(model), trainable)
        self.assertEqual(weights.running(model), running)
        self.assertEqual(model.name, name)

    def test_paper_shortcuts_subsample_and_append_zero_channels(self):
        model = resnet.resnet(8, (8, 8, 3), 10, seed=1)
        for layer in model.layers[3:]:
            if isinstance(layer, keras.layers.Conv2D):
                layer.kernel.assign(tf.zeros_like(layer.kernel))
        images = _images(8)
        # All branches are now 0, and what comes out of the first ReLU goes through.
        first_relu = next(x for x in model.layers if isinstance(x, keras.layers.ReLU))
        stem = keras.Model(model.input, first_relu.output)(images).numpy()
        pooled = np.zeros((4, 64), np.float32)
        pooled[:, :16] = stem[:, ::4, ::4].mean((1, 2))
        head = model.layers[-1]
        expected = pooled @ head.kernel.numpy() + head.bias.numpy()
        self.assertAllClose(model(images), expected, atol=1e-5)

    def test_released_shortcuts_are_projections_with_normalisation(self):
        model = resnet.resnet(8, (8, 8, 3), 10, variant="released")
        sizes = [
            layer.kernel_size + layer.strides
            for layer in model.layers
            if isinstance(layer, keras.layers.Conv2D)
        ]
        self.assertEqual(sizes.count((1, 1, 2, 2)), 2)
        self.assertEqual(sizes.count((3, 3, 2, 2)), 2)
        self.assertLen(sizes, 9)

    @parameterized.parameters(("paper", 2 / 288), ("released", 2 / 576))
    def test_initial_variance(self, variant, variance):
        model = resnet.resnet(8, (8, 8, 3), 10, variant=variant)
        kernel = next(w for w in model.weights if tuple(w.shape) == (3, 3, 32, 64))
        # 18,432 draws: a relative error of sqrt(2 / 18,432) = 0.0104; 4 of them.
        self.assertAllClose(np.mean(kernel.numpy() ** 2), variance, rtol=0.042)

    @parameterized.parameters("paper", "released")
    def test_saved_and_loaded_it_is_the_same(self, variant):
        model = resnet.resnet(8, (8, 8, 3), 10, variant=variant)
        path = self.create_tempdir().full_path + "/model.keras"
        model.save(path)
        images = _images(8)
        self.assertAllEqual(keras.models.load_model(path)(images), model(images))

    @parameterized.parameters(2, 16, 45, -4)
    def test_depths_that_cannot_be(self, depth):
        with self.assertRaisesRegex(errors.UserError, f"^depth={depth}: .*6 n"):
            resnet.resnet(depth, (8, 8, 3), 10)


if __name__ == "__main__":
    tf.test.main()
