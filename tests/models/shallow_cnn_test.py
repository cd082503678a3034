"""Tests of C1 and C3."""

import keras
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, models
from tests.models import weights

# Convolutions: 25 * 3 * 64 = 4,800 and 25 * 64 * 64 = 102,400. Gamma and beta: 2 * (64
# + 64 + 384 + 192) = 1,408. Dense 384 * 192 = 73,728. Biases in front of
# normalisations: 64 + 64 + 384 + 192 = 704.
_SHARED = 4800 + 102400 + 1408 + 73728


class ShallowCnnTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        # 32 pixels are 16 and 8 after pooling with the edges: 64 * 64 * 384.
        ("c1", "paper", 10, _SHARED + 704 + 1572864 + 193 * 10),
        ("c3", "paper", 100, _SHARED + 704 + 1572864 + 193 * 100),
        # ... and 15 and 7 without: 49 * 64 * 384 = 1,204,224.
        ("c1", "released", 10, _SHARED + 1204224 + 193 * 10),
        ("c3", "released", 100, _SHARED + 1204224 + 193 * 100),
    )
    def test_number_of_weights(self, name, variant, num_classes, trainable):
        settings = config.ModelConfig(name, variant=variant)
        model = models.build(settings, (32, 32, 3), num_classes)
        self.assertEqual(weights.trainable(model), trainable)
        self.assertEqual(weights.running(model), 1408)

    @parameterized.parameters("paper", "released")
    def test_order_of_the_layers(self, variant):
        settings = config.ModelConfig("c1", variant=variant, dropout=0.3)
        model = models.build(settings, (32, 32, 3), 10)
        kinds = "".join(type(layer).__name__[0] for layer in model.layers)
        block = "CBRM" if variant == "paper" else "CMBR"
        self.assertEqual(kinds, "I" + 2 * block + "F" + 2 * "DBRD" + "D")
        rates = [
            layer.rate
            for layer in model.layers
            if isinstance(layer, keras.layers.Dropout)
        ]
        self.assertEqual(rates, [0.3, 0.3])


if __name__ == "__main__":
    tf.test.main()
