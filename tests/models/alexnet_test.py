"""Tests of AlexNet."""

import keras
import tensorflow as tf

from bsgen import config, models
from tests.models import weights


class AlexnetTest(tf.test.TestCase):
    def test_number_of_weights(self):
        model = models.build(config.ModelConfig("alexnet"), (224, 224, 3), 1000)
        # Convolutions: 121 * 3 * 64 = 23,232; 25 * 64 * 192 = 307,200; 9 * (192 * 384 +
        # 384 * 256 + 256^2) = 2,138,112.
        convolutions = 23232 + 307200 + 2138112
        # Sides 224 -> (224 + 4 - 11) // 4 + 1 = 55 -> 27 -> 13 -> 6: 9,216 inputs;
        # 9,216 * 4,096 = 37,748,736 and 4,096^2 = 16,777,216; last 4,097 * 1,000.
        dense = 37748736 + 16777216 + 4097000
        # 2 * (64 + 192 + 384 + 256 + 256 + 2 * 4,096).
        scales = 18688
        self.assertEqual(weights.trainable(model), convolutions + dense + scales)
        self.assertEqual(weights.running(model), scales)
        sides = [
            layer.output.shape[1]
            for layer in model.layers
            if isinstance(layer, keras.layers.Conv2D)
        ]
        self.assertEqual(sides, [55, 27, 13, 13, 13])


if __name__ == "__main__":
    tf.test.main()
