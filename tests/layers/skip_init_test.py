"""SkipInit: a block starts as the identity, and its scalar learns."""

import keras
import numpy as np
import tensorflow as tf

from bsgen import layers


class SkipInitTest(tf.test.TestCase):
    def test_identity_at_first_and_gradient_of_the_scalar(self):
        x = tf.constant(np.random.default_rng(1).normal(size=(3, 4, 2)), tf.float32)
        layer = layers.SkipInit()
        with tf.GradientTape() as tape:
            y = layer(x)
            loss = tf.reduce_sum(y * x)
        self.assertAllEqual(x + y, x)
        self.assertLen(layer.trainable_weights, 1)
        gradient = tape.gradient(loss, layer.gain.value)
        self.assertAllClose(gradient, tf.reduce_sum(x**2), rtol=1e-6)
        layer.gain.assign(0.25)
        self.assertAllClose(layer(x), x / 4)

    def test_saved_with_its_model(self):
        inputs = keras.Input((3,))
        model = keras.Model(inputs, layers.SkipInit(name="skip")(inputs))
        model.get_layer("skip").gain.assign(3.0)
        path = self.create_tempdir().full_path + "/model.keras"
        model.save(path)
        loaded = keras.models.load_model(path)
        self.assertAllEqual(loaded(tf.ones([2, 3])), tf.fill([2, 3], 3.0))

    def test_mixed_precision(self):
        layer = layers.SkipInit(dtype="mixed_bfloat16")
        self.assertEqual(layer(tf.ones([2, 3])).dtype, tf.bfloat16)
        self.assertEqual(layer.gain.dtype, "float32")


if __name__ == "__main__":
    tf.test.main()
