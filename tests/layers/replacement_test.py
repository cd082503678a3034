"""Tests of the exchange of batch normalization for ghosts in a whole network."""

import doctest

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.layers import (
    GhostBatchNormalization,
    replace_batch_normalization,
    replacement,
)
from tests import two_devices


def _inputs(count=12, shape=(6,)):
    return np.random.default_rng(0).normal(1.0, 2.0, (count, *shape)).astype("float32")


def _normalization(**arguments):
    return keras.layers.BatchNormalization(momentum=0.5, **arguments)


def _sequential(inputs=True):
    first = [keras.Input((6,))] if inputs else []
    return keras.Sequential(
        [*first, keras.layers.Dense(6), _normalization(scale=False)], name="part"
    )


def _functional():
    """A nested model, used twice, and a shared normalization."""
    inputs = keras.Input((6,))
    part, shared = _sequential(), _normalization(name="shared")
    x = part(shared(part(inputs)))
    return keras.Model(inputs, keras.layers.Dense(1)(shared(x)))


def _names(model):
    """Returns all layers' names, but those that Keras makes up for inputs."""
    kinds = keras.layers.InputLayer
    layers = model._flatten_layers()
    return [layer.name for layer in layers if not isinstance(layer, kinds)]


def _settled(model, inputs):
    """Trains a little, so that all weights and averages are the model's own."""
    model.compile(keras.optimizers.SGD(0.01), "mse")
    model.fit(inputs, inputs[:, :1], epochs=2, batch_size=6, verbose=0)
    return model


class ReplacementTest(tf.test.TestCase, parameterized.TestCase):
    def test_the_example_of_the_docstring(self):
        self.assertEqual(doctest.testmod(replacement), (0, 6))

    @parameterized.parameters(_sequential, _functional)
    def test_inference_stays_and_training_has_ghosts(self, make):
        inputs = _inputs()
        model = _settled(make(), inputs)
        before = model.get_weights()
        ghosts = replace_batch_normalization(model, 4)
        # Keras multiplies out what ours subtracts first.
        self.assertAllClose(ghosts(inputs), model(inputs), rtol=1e-5, atol=1e-6)
        for found, expected in zip(ghosts.get_weights(), before, strict=True):
            self.assertAllEqual(found, expected)
        self.assertEqual(*map(_names, (ghosts, model)))
        self.assertNotAllClose(
            ghosts(inputs, training=True), model(inputs, training=True)
        )
        # A ghost as large as the batch is batch normalization.
        whole = replace_batch_normalization(model, 12)
        self.assertAllClose(
            whole(inputs, training=True), model(inputs, training=True), atol=1e-5
        )

    def test_what_is_shared_stays_shared(self):
        ghosts = replace_batch_normalization(_functional(), 4)
        self.assertLen(ghosts.weights, len(_functional().weights))
        self.assertIsInstance(ghosts.get_layer("shared"), GhostBatchNormalization)

    def test_a_network_of_keras_applications(self):
        model = keras.applications.MobileNetV2(
            (32, 32, 3), alpha=0.35, weights=None, classes=10
        )
        rng = np.random.default_rng(1)
        model.set_weights(
            [rng.uniform(0.5, 1.0, w.shape) * 0.2 for w in model.get_weights()]
        )
        inputs = _inputs(8, (32, 32, 3))
        ghosts = replace_batch_normalization(model, 4)
        kinds = [type(layer) for layer in ghosts.layers]
        self.assertNotIn(keras.layers.BatchNormalization, kinds)
        self.assertEqual(kinds.count(GhostBatchNormalization), 52)
        self.assertAllClose(ghosts(inputs), model(inputs), atol=1e-6)
        ghosts.compile("sgd", "sparse_categorical_crossentropy")
        history = ghosts.fit(inputs, np.arange(8), batch_size=8, verbose=0)
        self.assertTrue(np.isfinite(history.history["loss"][0]))

    def test_compiled_settings(self):
        def own_loss(targets, outputs):
            return tf.abs(targets - outputs)

        model = _functional()
        optimizer = keras.optimizers.SGD(0.125, momentum=0.5)
        model.compile(optimizer, own_loss, metrics=["mae"])
        ghosts = replace_batch_normalization(model, 4)
        self.assertEqual(ghosts.optimizer.get_config(), optimizer.get_config())
        self.assertIsNot(ghosts.optimizer, optimizer)
        inputs = _inputs()
        found, expected = (
            each.evaluate(inputs, inputs[:, :1], verbose=0) for each in (ghosts, model)
        )
        self.assertAllClose(found, expected, rtol=1e-6)
        self.assertFalse(replace_batch_normalization(_functional(), 4).compiled)

    def test_not_built_frozen_and_on_two_devices(self):
        ghosts = replace_batch_normalization(_sequential(inputs=False), 4, momentum=0.9)
        self.assertFalse(ghosts.built)
        self.assertEqual(ghosts.layers[1].momentum, 0.9)
        frozen = _functional()
        frozen.get_layer("shared").trainable = False
        ghosts = replace_batch_normalization(frozen, 4)
        self.assertFalse(ghosts.get_layer("shared").trainable)
        self.assertLen(ghosts.trainable_weights, len(frozen.trainable_weights))
        with two_devices.strategy().scope():
            spread = _sequential()
        ghosts = replace_batch_normalization(spread, 4)
        self.assertEqual(ghosts.distribute_strategy, spread.distribute_strategy)

    def test_what_cannot_be_exchanged(self):
        class Own(keras.Model):
            def __init__(self):
                super().__init__()
                self.norm = _normalization()

            def call(self, inputs, training=False):
                return self.norm(inputs, training=training)

        message = "its code makes its layers, .*from_batch_normalization$"
        with self.assertRaisesRegex(errors.UserError, f"^model='Own': {message}"):
            replace_batch_normalization(Own(), 4)
        inside = keras.Sequential([keras.Input((6,)), Own()])
        with self.assertRaisesRegex(errors.UserError, f"^model='Own': {message}"):
            replace_batch_normalization(inside, 4)
        with self.assertRaisesRegex(errors.UserError, "^model='none': it has no keras"):
            plain = keras.Sequential(
                [keras.Input((6,)), keras.layers.Dense(1)], name="none"
            )
            replace_batch_normalization(plain, 4)
        with self.assertRaisesRegex(
            errors.UserError, "^model='function': give a Keras"
        ):
            replace_batch_normalization(_sequential, 4)
        with self.assertRaisesRegex(
            errors.UserError, "^ghost_batch_size=1: give an in"
        ):
            replace_batch_normalization(_sequential(), 1)


if __name__ == "__main__":
    absltest.main()
