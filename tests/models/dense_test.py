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


if __name__ == "__main__":
    tf.test.main()
