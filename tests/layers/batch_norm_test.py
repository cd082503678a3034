"""Tests of BatchNormalization: Keras' layer, and its averages on two replicas."""

import keras
import numpy as np
import tensorflow as tf

from bsgen import layers
from tests import two_devices


class BatchNormalizationTest(tf.test.TestCase):
    def test_on_one_device_it_is_keras_layer(self):
        inputs = np.random.default_rng(1).normal(2.0, 3.0, [32, 4]).astype(np.float32)
        own, theirs = layers.BatchNormalization(), keras.layers.BatchNormalization()
        self.assertAllEqual(own(inputs, training=True), theirs(inputs, training=True))
        for ours, other in zip(own.weights, theirs.weights, strict=True):
            self.assertAllEqual(ours, other)

    def test_replicas_share_the_mean_of_their_averages(self):
        strategy = two_devices.strategy()
        inputs = np.random.default_rng(2).normal(1.0, 2.0, [2, 16, 3])
        with strategy.scope():
            layer = layers.BatchNormalization(momentum=0.75)
            layer.build((None, 3))

        @tf.function
        def update():
            def of_replica():
                context = tf.distribute.get_replica_context()
                part = tf.constant(inputs, tf.float32)
                layer(part[context.replica_id_in_sync_group], training=True)

            strategy.run(of_replica)

        update()
        # From 0 and 1, a quarter of the mean over replicas of the batch statistics.
        expected = 0.25 * inputs.mean(axis=1).mean(axis=0)
        for copy in strategy.experimental_local_results(layer.moving_mean.value):
            self.assertAllClose(copy, expected, rtol=1e-5)
        expected = 0.75 + 0.25 * inputs.var(axis=1).mean(axis=0)
        for copy in strategy.experimental_local_results(layer.moving_variance.value):
            self.assertAllClose(copy, expected, rtol=1e-5)

    def test_round_trip(self):
        layer = layers.BatchNormalization(momentum=0.5, epsilon=1e-4)
        config = keras.saving.serialize_keras_object(layer)
        again = keras.saving.deserialize_keras_object(config)
        self.assertIs(type(again), layers.BatchNormalization)
        self.assertEqual(again.get_config(), layer.get_config())


if __name__ == "__main__":
    tf.test.main()
