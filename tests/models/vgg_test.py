"""Tests of VGG."""

import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, errors, models
from bsgen.models import vgg
from tests.models import weights

# Behind 32 pixels and five poolings: 512 inputs, 2 * 512^2 = 524,288 weights, 2 * 2 *
# 512 gamma and beta, 513 * 10 of the last layer.
_HEAD = 524288 + 2048 + 5130


class VggTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        # 9 * (3 * 64 + 64 * 128 + 128 * 256 + 256^2 + 256 * 512 + 3 * 512^2) = 9 *
        # 1,024,192; 2 * (64 + 128 + 2 * 256 + 4 * 512) = 5,504.
        ("vgg11", 9217728, 5504),
        # 9 * (3 * 64 + 64^2 + 64 * 128 + 128^2 + 128 * 256 + 2 * 256^2 + 256 * 512 +
        # 5 * 512^2) = 9 * 1,634,496; 2 * (2 * 64 + 2 * 128 + 3 * 256 + 6 * 512) =
        # 8,448.
        ("vgg16", 14710464, 8448),
    )
    def test_number_of_weights(self, name, kernels, scales):
        model = models.build(config.ModelConfig(name), (32, 32, 3), 10)
        self.assertEqual(weights.trainable(model), kernels + scales + _HEAD)
        self.assertEqual(weights.running(model), scales + 2048)

        settings = config.ModelConfig(name, normalization="none")
        model = models.build(settings, (32, 32, 3), 10)
        # One bias in place of gamma and beta.
        expected = kernels + scales // 2 + _HEAD - 1024
        self.assertEqual(weights.trainable(model), expected)

    def test_depths_that_are_not_here(self):
        with self.assertRaisesRegex(errors.UserError, "^depth=13"):
            vgg.vgg(13, (32, 32, 3), 10)


if __name__ == "__main__":
    tf.test.main()
