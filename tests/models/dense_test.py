"""Tests of F1 and of the 4-layer network."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, models
from bsgen.models import dense
from tests.models import weights


class NormalizedMlpTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        # f1: 785 * 512 + 4 * 513 * 512 = 1,452,544 of the hidden layers, 513 * 10 =
        # 5,130 of the last one, 5 * 2 * 512 = 5,120 of gamma and beta.
        ("f1", "paper", 1452544 + 5130 + 5120, 5120),
        ("f1", "released", 1452544 + 5130 + 5120, 5120),
        # mlp4: 785 * 512 + 2 * 513 * 512 = 927,232, 5,130 and 3 * 2 * 512 = 3,072.
        ("mlp4", "paper", 927232 + 5130 + 3072, 3072),
    )
    def test_number_of_weights(self, name, variant, trainable, running):
        settings = config.ModelConfig(name, variant=variant)
        model = models.build(settings, (28, 28, 1), 10)
        self.assertEqual(weights.trainable(model), trainable)
        self.assertEqual(weights.running(model), running)

    @parameterized.parameters(("paper", 6 / 896), ("released", 1 / 784))
    def test_limits_of_the_initial_weights(self, variant, square):
        model = dense.normalized_mlp((784,), 10, (112,), variant=variant)
        kernel = model.weights[0].numpy()
        # Uniform: the largest of 87,808 draws is within a few parts in 87,808 of it.
        self.assertAllClose(np.abs(kernel).max(), square**0.5, rtol=1e-3)

    def test_forward_in_training_is_the_formula(self):
        model = dense.normalized_mlp((6,), 3, (5, 4), seed=1)
        rng = np.random.default_rng(0)
        inputs = rng.normal(size=(8, 6)).astype(np.float32)
        outputs = inputs.astype(np.float64)
        values = [weight.numpy() for weight in model.trainable_weights]
        for kernel, bias, gamma, beta in (values[:4], values[4:8]):
            outputs = outputs @ kernel + bias
            outputs = outputs - outputs.mean(0)
            outputs = gamma * outputs / np.sqrt(outputs.var(0) + 1e-5) + beta
            outputs = np.maximum(outputs, 0)
        outputs = outputs @ values[8] + values[9]
        # float32: sums of at most 8 terms of order 1, twice divided by a deviation.
        self.assertAllClose(model(inputs, training=True), outputs, atol=2e-5)


class ResidualMlpTest(tf.test.TestCase, parameterized.TestCase):
    def test_forward_is_the_formula(self):
        settings = config.ModelConfig(
            "residual_mlp", (5, 5, 4), normalization="none", dropout=0.5
        )
        model = models.build(settings, (6,), 3, seed=1)
        rng = np.random.default_rng(2)
        inputs = rng.normal(size=(8, 6)).astype(np.float32)
        self.assertAllEqual(model(inputs), np.zeros((8, 3)))  # the last layer's start
        for weight in model.trainable_weights:
            weight.assign(rng.normal(size=weight.shape))
        values = iter([weight.numpy() for weight in model.trainable_weights])
        outputs = inputs.astype(np.float64) @ next(values)
        for width in (5, 5, 4):
            activated, shortcut = np.maximum(outputs, 0), outputs
            branch = activated @ next(values) + next(values)
            branch = np.maximum(branch, 0) @ next(values) + next(values)
            if width != outputs.shape[1]:  # Keras lists the shortcut last
                shortcut = activated @ next(values) + next(values)
            outputs = shortcut + next(values) * branch
        outputs = np.maximum(outputs, 0) @ next(values) + next(values)
        self.assertEmpty(list(values))
        # float32: sums of at most 6 terms, eight layers deep.
        self.assertAllClose(model(inputs), outputs, rtol=1e-4, atol=1e-4)
        self.assertNotAllClose(model(inputs, training=True), outputs, atol=0.1)

    def test_a_normalised_one_has_no_biases_and_no_scalars(self):
        settings = config.ModelConfig("residual_mlp", (5, 4))
        model = models.build(settings, (6,), 3)
        # Kernels 30, 2 * 25 and 5 * 4 + 5 * 4 + 4 * 4; gamma and beta of 5, 5, 5, 4 and
        # 4; 5 * 3 of the last layer.
        self.assertEqual(weights.trainable(model), 30 + 50 + 56 + 2 * 23 + 15)


if __name__ == "__main__":
    tf.test.main()
