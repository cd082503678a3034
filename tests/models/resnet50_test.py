"""Tests of ResNet-50 as Goyal et al. modified it."""

import keras
import numpy as np
import tensorflow as tf

from bsgen import config, models
from tests.models import weights


def _of_class(model, cls):
    return [layer for layer in model.layers if isinstance(layer, cls)]


class Resnet50Test(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = models.build(config.ModelConfig("resnet50"), (32, 32, 3), 1000)

    def test_number_of_weights(self):
        # With w = 64, 128, 256, 512 a block of 4 w inputs has 4 w^2 + 9 w^2 + 4 w^2 =
        # 17 w^2 weights; a group's first block has other inputs (64, 256, 512, 1024)
        # and a shortcut from them to 4 w:
        #   w = 64: 2 * 69,632 + 57,344 + 16,384 = 212,992
        #   w = 128: 3 * 278,528 + 245,760 + 131,072 = 1,212,416
        #   w = 256: 5 * 1,114,112 + 983,040 + 524,288 = 7,077,888
        #   w = 512: 2 * 4,456,448 + 3,932,160 + 2,097,152 = 14,942,208
        kernels = 49 * 3 * 64 + 212992 + 1212416 + 7077888 + 14942208
        # Gamma and beta: 6 w a block, 4 w a shortcut: 2 * (64 + 64 * 22 + 128 * 28 +
        # 256 * 40 + 512 * 22).
        scales = 53120
        last = 2049 * 1000
        self.assertEqual(weights.trainable(self.model), kernels + scales + last)
        self.assertEqual(weights.running(self.model), scales)

    def test_only_the_last_scale_of_each_block_starts_at_zero(self):
        starts = {
            float(np.unique(layer.gamma.numpy()).item())
            for layer in _of_class(self.model, keras.layers.BatchNormalization)
        }
        self.assertEqual(starts, {0.0, 1.0})
        add_inputs = [
            tensor._keras_history.operation
            for add in _of_class(self.model, keras.layers.Add)
            for tensor in add.input
        ]
        zero = [
            layer
            for layer in _of_class(self.model, keras.layers.BatchNormalization)
            if not np.any(layer.gamma.numpy())
        ]
        self.assertLen(zero, 16)
        for layer in zero:
            self.assertIn(layer, add_inputs)

    def test_strides_are_in_the_3x3_convolutions_and_the_shortcuts(self):
        strided = [
            layer.kernel_size[0]
            for layer in _of_class(self.model, keras.layers.Conv2D)
            if layer.strides == (2, 2)
        ]
        self.assertCountEqual(strided, [7, 3, 3, 3, 1, 1, 1])
        sides = [add.output.shape[1] for add in _of_class(self.model, keras.layers.Add)]
        # 32 pixels, 16 behind the first convolution, 8 behind the pooling.
        self.assertEqual(sides, [8] * 3 + [4] * 4 + [2] * 6 + [1] * 3)

    def test_last_layer_starts_small(self):
        kernel = self.model.layers[-1].kernel.numpy()
        # 2,048,000 draws of N(0, 0.01^2): a relative error of 0.0005 in the deviation.
        self.assertAllClose(kernel.std(), 0.01, rtol=0.003)


if __name__ == "__main__":
    tf.test.main()
