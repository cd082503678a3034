"""Tests of the networks and of their registry."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, errors, layers, models
from bsgen.models import registry, sizes


def _forward(model, inputs, activation):
    """A dense network in NumPy, from the weights of `model`."""
    weights = model.get_weights()
    outputs = inputs.reshape(len(inputs), -1)
    for layer in range(0, len(weights), 2):
        outputs = outputs @ weights[layer] + weights[layer + 1]
        if layer + 2 < len(weights):
            outputs = activation(outputs)
    return outputs


class BuildTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ((), "relu", lambda x: np.maximum(x, 0)),
        ((7,), "relu", lambda x: np.maximum(x, 0)),
        ((7, 5), "tanh", np.tanh),
    )
    def test_mlp_is_a_dense_network(self, hidden_units, name, activation):
        settings = config.ModelConfig("mlp", hidden_units, name)
        model = models.build(settings, (4, 3), 10, seed=2)
        widths = [12, *hidden_units, 10]
        shapes = [tuple(weight.shape) for weight in model.trainable_variables]
        expected = [
            shape
            for fan_in, width in zip(widths, widths[1:], strict=False)
            for shape in ((fan_in, width), (width,))
        ]
        self.assertEqual(shapes, expected)
        self.assertEmpty(model.non_trainable_variables)
        rng = np.random.default_rng(0)
        for weight in model.trainable_variables:
            weight.assign(rng.normal(size=weight.shape))
        inputs = rng.normal(size=(6, 4, 3)).astype(np.float32)
        # float32 sums of at most 12 products of order 1.
        self.assertAllClose(
            model(inputs), _forward(model, inputs, activation), rtol=1e-5, atol=1e-5
        )

    def test_initial_weights(self):
        model = models.build(config.ModelConfig(), (28, 28, 1), 10, seed=1)
        first, bias, second, _ = model.get_weights()
        self.assertEqual((first.shape, second.shape), ((784, 800), (800, 10)))
        self.assertAllEqual(bias, np.zeros(800))
        # Glorot-uniform: U(-a, a) with a^2 = 6 / (fan in + fan out). The largest of n
        # draws lies within a few a / n of a.
        for kernel in (first, second):
            limit = np.sqrt(6 / sum(kernel.shape))
            self.assertBetween(np.abs(kernel).max(), 0.998 * limit, limit)
            # The mean square of n uniform draws has relative error 0.9 / sqrt(n).
            self.assertAllClose(
                np.mean(kernel**2), limit**2 / 3, rtol=5 * 0.9 / np.sqrt(kernel.size)
            )

    def test_the_seed_draws_the_weights(self):
        settings = config.ModelConfig("mlp", (10, 10))
        again, same, other = (
            models.build(settings, (10,), 10, seed=seed).get_weights()[::2]
            for seed in (1, 1, 2)
        )
        for one, two in zip(again, same, strict=True):
            self.assertAllEqual(one, two)
        kernels = [*again, *other]
        for number, one in enumerate(kernels):
            for two in kernels[:number]:
                self.assertFalse(np.any(one == two))

    @parameterized.parameters((2, 1), (3, 3))
    def test_logistic_regression_is_linear_in_float64(self, num_classes, width):
        settings = config.ModelConfig("logistic_regression", ())
        model = models.build(settings, (6,), num_classes)
        shapes = [tuple(weight.shape) for weight in model.trainable_variables]
        self.assertEqual(shapes, [(6, width), (width,)])
        self.assertEqual({w.dtype for w in model.trainable_variables}, {"float64"})
        inputs = np.random.default_rng(0).normal(size=(5, 6))
        self.assertAllClose(model(inputs), _forward(model, inputs, None), rtol=1e-14)

    def test_unknown_name(self):
        with self.assertRaisesRegex(
            errors.UserError, "^model='logistic_regresion': .*'logistic_regression'"
        ):
            models.build(config.ModelConfig("logistic_regresion"), (4,), 3)

    @parameterized.parameters(
        ({"name": "mlp", "dropout": 0.1}, "dropout"),
        ({"name": "mlp", "normalization": "none"}, "normalization"),
        ({"name": "resnet44", "dropout": 0.5}, "dropout"),
        ({"name": "vgg11", "variant": "released"}, "variant"),
        ({"name": "wrn_16_4", "variant": "released", "dropout": 0.5}, "dropout"),
    )
    def test_a_choice_that_a_network_does_not_have(self, fields, argument):
        settings = config.ModelConfig(**fields)
        value = fields[argument]
        message = f"^{argument}={value!r}: {fields['name']} has no "
        with self.assertRaisesRegex(errors.UserError, message):
            models.build(settings, (32, 32, 3), 10)


_NORMALIZED = [
    name
    for name in models.names()
    if "normalization" in models.takes(config.ModelConfig(name))
]


_DENSE_SIZES = (
    sizes.mlp,
    sizes.residual_mlp,
    sizes.logistic_regression,
    sizes.autoencoder,
)


def _input_shape(name):
    if registry._PAPER[name].size in _DENSE_SIZES:
        return (4,)
    return (64, 64, 3) if name == "alexnet" else (32, 32, 3)


class EveryNetworkTest(tf.test.TestCase, parameterized.TestCase):
    def test_names(self):
        names = ["mlp", "logistic_regression", "normalized_mlp", "f1", "mlp4"]
        names += ["c1", "c3", "resnet44", "resnet56", "vgg11", "vgg16", "alexnet"]
        names += ["wrn_16_4", "wrn_28_10", "resnet50", "autoencoder"]
        self.assertContainsSubset(names, models.names())

    @parameterized.parameters(*(n for n in models.names() if n != "lstm"))
    def test_outputs_are_finite_and_follow_from_the_seed(self, name):
        shape = _input_shape(name)
        rng = np.random.default_rng(0)
        images = rng.normal(size=(2, *shape)).astype(np.float32)
        settings = config.ModelConfig(name)
        model, same, other = (models.build(settings, shape, 3, s) for s in (1, 1, 2))
        outputs = model(images)
        width = np.prod(shape) if models.reconstructs(settings) else 3
        self.assertEqual(outputs.shape, (2, width))
        self.assertAllEqual(np.isfinite(outputs), np.ones((2, width)))
        self.assertAllEqual(same(images), outputs)
        self.assertNotAllClose(other(images), outputs)
        for weight, twin in zip(model.weights, same.weights, strict=True):
            self.assertAllEqual(weight, twin)

    @parameterized.parameters(*_NORMALIZED)
    def test_without_normalisation_nothing_runs_along(self, name):
        settings = config.ModelConfig(name, normalization="none")
        shape = _input_shape(name)
        model = models.build(settings, shape, 3)
        self.assertEmpty(model.non_trainable_weights)
        logits = model(np.ones((2, *shape), np.float32))
        self.assertAllEqual(np.isfinite(logits), np.ones((2, 3)))

    @parameterized.parameters("f1", "c1", "resnet44", "wrn_16_4")
    def test_ghosts_stand_where_batch_normalization_stood(self, name):
        settings = config.ModelConfig(name, normalization="ghost", ghost_batch_size=2)
        shape = _input_shape(name)
        ghosts = models.build(settings, shape, 3, seed=4)
        batch = models.build(config.ModelConfig(name), shape, 3, seed=4)
        classes = {
            layers.BatchNormalization: layers.GhostBatchNormalization,
        }
        self.assertEqual(
            [type(layer) for layer in ghosts.layers],
            [classes.get(type(layer), type(layer)) for layer in batch.layers],
        )
        self.assertLen(ghosts.trainable_weights, len(batch.trainable_weights))
        images = np.random.default_rng(5).normal(size=(4, *shape)).astype(np.float32)
        logits = ghosts(images, training=True)
        self.assertAllEqual(np.isfinite(logits), np.ones((4, 3)))


if __name__ == "__main__":
    tf.test.main()
