"""Tests of the sizes of networks against the layers of the models that are built."""

import itertools
import math
from unittest import mock

import keras
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, errors, models
from bsgen.models import registry, sizes


def _count(model):
    """Of all dense and convolutional layers, see `sizes.Size`."""
    multiplications = weights = outputs = layers = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense | keras.layers.Conv2D):
            kernel = math.prod(layer.kernel.shape)
            positions = math.prod(layer.output.shape[1:-1])
            multiplications += kernel * positions
            weights += kernel
            outputs += math.prod(layer.output.shape[1:])
            layers += 1
    return multiplications, weights, outputs, layers


_DENSE = [
    name
    for name in models.names()
    if registry._PAPER[name].size
    in (sizes.mlp, sizes.residual_mlp, sizes.logistic_regression, sizes.autoencoder)
]
_OTHER = [*_DENSE, "lstm"]  # the LSTM's is in its own test
_IMAGES = [(name, "paper") for name in models.names() if name not in _OTHER]
_IMAGES += [(name, "released") for name in registry._RELEASED if name not in _OTHER]


class SizesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*_IMAGES)
    def test_convolutional_networks(self, name, variant):
        settings = config.ModelConfig(name, variant=variant)
        # Odd and unequal sides show how each layer rounds.
        shape = (67, 75, 3) if name == "alexnet" else (37, 45, 3)
        model = models.build(settings, shape, 7)
        self.assertEqual(models.size(settings, shape, 7), _count(model))

    @parameterized.parameters(
        *itertools.product(_DENSE, (2, 3)),
        ("mlp", 10, (7, 5)),
        ("mlp", 10, ()),
        ("normalized_mlp", 10, (7, 5)),
        ("residual_mlp", 10, (7, 7, 5)),
    )
    def test_dense_networks(self, name, num_classes, hidden_units=(800,)):
        settings = config.ModelConfig(name, hidden_units)
        model = models.build(settings, (4, 3), num_classes)
        size = models.size(settings, (4, 3), num_classes)
        self.assertEqual(size, _count(model))
        self.assertEqual(size.multiplications, size.weights)

    def test_a_residual_network_has_a_block(self):
        with self.assertRaisesRegex(errors.UserError, r"^hidden_units=\(\): .*one"):
            models.build(config.ModelConfig("residual_mlp", ()), (4,), 3)

    def test_images_are_needed(self):
        with self.assertRaisesRegex(errors.UserError, "input_shape.*channels"):
            models.size(config.ModelConfig("vgg11"), (8,), 10)

    def test_grey_images_need_no_axis_of_channels(self):
        for name in ("c1", "resnet8"):
            with self.subTest(name):
                settings = config.ModelConfig(name)
                size = models.size(settings, (11, 8), 10)
                self.assertEqual(size, models.size(settings, (11, 8, 1), 10))
                self.assertEqual(size, _count(models.build(settings, (11, 8), 10)))

    def test_a_network_of_ones_own(self):
        def build(input_shape, num_classes, seed, width):
            del seed
            inputs = keras.Input(input_shape)
            outputs = keras.layers.Dense(width)(keras.layers.Flatten()(inputs))
            return keras.Model(inputs, keras.layers.Dense(num_classes)(outputs))

        def size(input_shape, num_classes, width):
            return sizes.mlp(input_shape, num_classes, (width,))

        toy = models.Network(build, size, arguments={"width": 5})
        with mock.patch.dict(registry._PAPER):
            models.register("toy", toy)
            settings = config.ModelConfig("toy")
            model = models.build(settings, (2, 3), 4)
            self.assertEqual(models.size(settings, (2, 3), 4), _count(model))
            with self.assertRaisesRegex(errors.UserError, "one of that name"):
                models.register("vgg11", toy)
        self.assertNotIn("toy", models.names())


if __name__ == "__main__":
    tf.test.main()
