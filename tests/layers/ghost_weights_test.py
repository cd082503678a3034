"""Weights of GhostBatchNormalization in files, and to and from Keras' layer."""

import json
import pathlib
import warnings
import zipfile

import h5py
import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, layers
from tests.layers.ghost_batch_norm_test import randomize


def model_of(normalization):
    inputs = keras.Input((4, 3))
    hidden = keras.layers.Conv1D(5, 2)(inputs)
    hidden = normalization(hidden)
    return keras.Model(inputs, keras.layers.Dense(2)(hidden))


def trained(normalization):
    model = model_of(normalization)
    randomize(model, np.random.default_rng(1))
    return model


def inputs(batch=6):
    return np.random.default_rng(2).normal(size=(batch, 4, 3)).astype(np.float32)


class FilesTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir())

    def assert_refused(self, model, path, words):
        with warnings.catch_warnings():
            # Keras looks for a layer that it could not load in other places, too.
            warnings.filterwarnings("ignore", "Skipping nested container")
            with self.assertRaisesRegex(ValueError, words):
                model.load_weights(path)

    @parameterized.product(
        spread=("std", "variance"), scale=(True, False), center=(True, False)
    )
    def test_save_load_clone(self, spread, scale, center):
        layer = layers.GhostBatchNormalization(
            4, running_spread=spread, scale=scale, center=center
        )
        model = trained(layer)
        model(inputs(), training=True)
        model.save(self.folder / "model.keras")
        model.save_weights(self.folder / "model.weights.h5")
        loaded = keras.models.load_model(self.folder / "model.keras")
        cloned, filled = (keras.models.clone_model(model) for _ in range(2))
        cloned.set_weights(model.get_weights())
        filled.load_weights(self.folder / "model.weights.h5")
        predicted, before = model(inputs()), model.get_weights()
        in_training = model(inputs(), training=True)
        for other in (loaded, cloned, filled):
            for one, two in zip(other.get_weights(), before, strict=True):
                self.assertAllEqual(one, two)
            self.assertAllEqual(other(inputs()), predicted)
            self.assertAllEqual(other(inputs(), training=True), in_training)

    def as_older_versions_wrote(self, path):
        """Rewrites a model file: weights by position, and the std itself."""
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        weights = path.with_suffix(".weights.h5")
        weights.write_bytes(entries["model.weights.h5"])
        with h5py.File(weights, "r+") as file:
            place = file["layers/ghost_batch_normalization/vars"]
            place["3"] = np.sqrt(place["moving_variance"][()] + 0.25)
            del place["moving_variance"]
        entries["model.weights.h5"] = weights.read_bytes()
        config = json.loads(entries["config.json"])
        for layer in config["config"]["layers"]:
            layer["config"].pop("stored_spread", None)
        entries["config.json"] = json.dumps(config).encode()
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in entries.items():
                archive.writestr(name, content)
        return path, weights

    def test_files_of_older_versions_mean_what_they_meant(self):
        model = trained(layers.GhostBatchNormalization(4, epsilon=0.25))
        model.save(self.folder / "model.keras")
        path, weights = self.as_older_versions_wrote(self.folder / "model.keras")
        loaded = keras.models.load_model(path)
        self.assertAllClose(loaded(inputs()), model(inputs()), rtol=1e-5, atol=1e-5)
        loaded.save(path)
        again = keras.models.load_model(path)
        self.assertAllEqual(again(inputs()), loaded(inputs()))
        # Weights alone could be those of Keras' layer.
        layer = layers.GhostBatchNormalization(4, epsilon=0.25)
        fresh = model_of(layer)
        self.assert_refused(fresh, weights, "unmarked_spread=None: .*std")
        layer.unmarked_spread = "std"
        fresh.load_weights(weights)
        self.assertAllClose(fresh(inputs()), model(inputs()), rtol=1e-5, atol=1e-5)

    def test_another_layers_weights_are_refused(self):
        model = trained(layers.GhostBatchNormalization(4, scale=False))
        model.save_weights(self.folder / "model.weights.h5")
        other = model_of(layers.GhostBatchNormalization(4))
        words = "the file holds .*'0', '1', 'moving"
        self.assert_refused(other, self.folder / "model.weights.h5", words)


class KerasLayerTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters("std", "variance")
    def test_lists_of_weights_mean_the_same(self, spread):
        theirs = trained(keras.layers.BatchNormalization(epsilon=1e-5))
        ours = model_of(layers.GhostBatchNormalization(4, running_spread=spread))
        ours.set_weights(theirs.get_weights())
        self.assertAllClose(ours(inputs()), theirs(inputs()), rtol=1e-5, atol=1e-6)

    @parameterized.product(scale=(True, False), center=(True, False))
    def test_conversions(self, scale, center):
        theirs = keras.layers.BatchNormalization(
            axis=2,
            momentum=0.8,
            epsilon=0.1,
            scale=scale,
            center=center,
            gamma_regularizer="l2",
            beta_initializer=keras.initializers.Constant(0.5),
            dtype="mixed_bfloat16",
            name="norm",
        )
        model = trained(theirs)
        ours = layers.GhostBatchNormalization.from_batch_normalization(theirs, 4)
        self.assertEqual((ours.ghost_batch_size, ours.momentum), (4, 0.8))
        self.assertEqual((ours.axis, ours.name, ours.epsilon), (2, "norm", 0.1))
        self.assertEqual(ours.compute_dtype, "bfloat16")
        again = ours.to_batch_normalization()
        self.assertIs(type(again), keras.layers.BatchNormalization)
        self.assertEqual(again.get_config(), theirs.get_config())
        x = model.layers[1](inputs())
        for layer in (ours, again):
            self.assertAllEqual(layer.get_weights(), theirs.get_weights())
            self.assertAllClose(layer(x), theirs(x), rtol=2**-7)  # bfloat16
        changed = layers.GhostBatchNormalization.from_batch_normalization(
            theirs, 8, momentum=0.5, running_spread="variance"
        )
        self.assertEqual((changed.momentum, changed.running_spread), (0.5, "variance"))

    def test_a_whole_model(self):
        theirs = trained(keras.layers.BatchNormalization())

        def converted(layer):
            if isinstance(layer, keras.layers.BatchNormalization):
                kind = layers.GhostBatchNormalization
                return kind.from_batch_normalization(layer, 4)
            return layer.__class__.from_config(layer.get_config())

        ours = keras.models.clone_model(theirs, clone_function=converted)
        ours.set_weights(theirs.get_weights())
        self.assertAllClose(ours(inputs()), theirs(inputs()), rtol=1e-5, atol=1e-6)

    def test_not_built(self):
        theirs = keras.layers.BatchNormalization(momentum=0.5)
        ours = layers.GhostBatchNormalization.from_batch_normalization(theirs, 4)
        self.assertFalse(ours.built or ours.to_batch_normalization().built)

    @parameterized.parameters(keras.layers.Dense(3), keras.layers.LayerNormalization())
    def test_other_layers_are_refused(self, layer):
        with self.assertRaisesRegex(errors.UserError, "layer=.*BatchNormalization"):
            layers.GhostBatchNormalization.from_batch_normalization(layer, 4)


if __name__ == "__main__":
    tf.test.main()
