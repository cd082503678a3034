"""Tests of the autoencoder, its outputs and its initial weights."""

import itertools

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, errors, models
from bsgen.models import autoencoder
from tests.models import weights


def _small(**choices):
    settings = config.ModelConfig("dense_autoencoder", (40, 3, 40), **choices)
    return models.build(settings, (6, 6), 10, seed=2)


class AutoencoderTest(tf.test.TestCase, parameterized.TestCase):
    def test_reconstructs_images_of_mnist(self):
        model = models.build(config.ModelConfig("autoencoder"), (28, 28, 1), 10)
        widths = [784, 1000, 500, 250, 30, 250, 500, 1000, 784]
        kernels = [tuple(weight.shape) for weight in model.weights[::2]]
        self.assertEqual(kernels, [*itertools.pairwise(widths)])
        # 785,000 + 500,500 + 125,250 + 7,530 + 7,750 + 125,500 + 501,000 + 784,784.
        self.assertEqual(weights.trainable(model), 2837314)
        self.assertEqual(model.output_shape, (None, 784))
        # Linear outputs: with all kernels 0 they are the last bias.
        for weight in model.weights[:-1]:
            weight.assign(np.zeros(weight.shape))
        model.weights[-1].assign(np.linspace(-2, 2, 784))
        outputs = model(np.ones((1, 28, 28, 1), np.float32))
        self.assertAllClose(outputs, [np.linspace(-2, 2, 784)], rtol=1e-6)

    def test_sigmoid_outputs_are_those_of_the_linear_network(self):
        images = np.random.default_rng(1).random((5, 6, 6)).astype(np.float32)
        linear = _small(activation="sigmoid")(images).numpy()
        outputs = _small(activation="sigmoid", output_activation="sigmoid")(images)
        self.assertAllClose(outputs, 1 / (1 + np.exp(-linear)), rtol=1e-6)

    def test_sparse_units_have_15_connections_of_unit_variance(self):
        model = _small(initialization="sparse")
        kernels, biases = model.get_weights()[::2], model.get_weights()[1::2]
        connections = [(kernel != 0).sum(axis=0) for kernel in kernels]
        # Behind the code there are 3 units to connect to.
        for found, expected in zip(connections, (15, 15, 3, 15), strict=True):
            self.assertAllEqual(found, np.full(len(found), expected))
        self.assertAllEqual(np.concatenate(biases), np.zeros(40 + 3 + 40 + 36))

    def test_sparse_weights_are_normal_at_uniform_places(self):
        kernel = autoencoder.sparse_kernel((60, 2000), seed=3)
        drawn = kernel[kernel != 0]
        self.assertLen(drawn, 30_000)
        # Of n normal draws the mean has error 1 / sqrt(n), the mean square sqrt(2 / n),
        # the mean fourth power sqrt(96 / n).
        for power, moment, variance in ((1, 0, 1), (2, 1, 2), (4, 3, 96)):
            error = np.sqrt(variance / drawn.size)
            self.assertAllClose(np.mean(drawn**power), moment, rtol=0, atol=4 * error)
        # Each input has 2000 draws of probability 1/4: 500 +- 19.
        self.assertAllClose((kernel != 0).sum(axis=1), np.full(60, 500), atol=5 * 19.4)

    def test_the_seed_draws_sparse_weights(self):
        one, same, other = (
            models.build(
                config.ModelConfig("dense_autoencoder", (20,), initialization="sparse"),
                (20,),
                10,
                seed,
            ).get_weights()[::2]
            for seed in (1, 1, 2)
        )
        for first, second in zip(one, same, strict=True):
            self.assertAllEqual(first, second)
        # [20, 20] all of them, which no two share.
        for first, second in itertools.combinations([*one, *other], 2):
            self.assertNotAllEqual(first, second)

    @parameterized.parameters(
        ("output_activation", "relu"), ("initialization", "lecun")
    )
    def test_an_unknown_choice_is_named(self, field, value):
        with self.assertRaisesRegex(errors.UserError, f"^{field}='{value}': unknown"):
            config.ModelConfig("autoencoder", **{field: value})


if __name__ == "__main__":
    tf.test.main()
