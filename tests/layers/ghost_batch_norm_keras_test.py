"""GhostBatchNormalization in Keras: files, `fit`, replicas, and every refusal."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, layers
from tests import two_devices


def small_model(**arguments):
    keras.utils.set_random_seed(5)
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(4)(inputs)
    hidden = layers.GhostBatchNormalization(4, **arguments)(hidden)
    return keras.Model(inputs, keras.layers.Dense(1)(hidden))


class KerasTest(tf.test.TestCase, parameterized.TestCase):
    def test_config_round_trip(self):
        layer = layers.GhostBatchNormalization(
            ghost_batch_size=7,
            axis=2,
            momentum=0.3,
            epsilon=0.2,
            running_statistics="pooled",
            running_spread="variance",
            unbiased=True,
            remainder="smaller",
            beta_initializer=keras.initializers.Constant(2.0),
            gamma_initializer="zeros",
            beta_regularizer=keras.regularizers.L2(0.1),
            gamma_constraint="non_neg",
            name="normalization",
        )
        config = keras.saving.serialize_keras_object(layer)
        self.assertEqual(config["registered_name"], "bsgen>GhostBatchNormalization")
        again = keras.saving.deserialize_keras_object(config)
        self.assertEqual(again.get_config(), layer.get_config())
        for name in ("center", "scale"):
            off = layers.GhostBatchNormalization(2, **{name: False})
            self.assertFalse(off.from_config(off.get_config()).get_config()[name])
            off.build((None, 3))
            self.assertLen(off.trainable_weights, 1)

    def test_save_load_clone(self):
        model = small_model(remainder="smaller")
        x = np.random.default_rng(1).normal(size=(9, 6)).astype(np.float32)
        model(x, training=True)
        path = self.create_tempdir().full_path + "/model.keras"
        model.save(path)
        loaded = keras.models.load_model(path)
        self.assertAllEqual(loaded(x), model(x))
        clone = keras.models.clone_model(model)
        clone.set_weights(model.get_weights())
        self.assertAllEqual(clone(x, training=True), model(x, training=True))

    @parameterized.parameters(True, False)
    def test_fit(self, jit):
        model = small_model(remainder="smaller")
        model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=jit)
        x = np.random.default_rng(2).normal(size=(22, 6)).astype(np.float32)
        history = model.fit(x, x[:, :1], batch_size=8, epochs=8, verbose=0)
        losses = history.history["loss"]
        self.assertLess(losses[-1], 0.3 * losses[0])
        self.assertLess(model.evaluate(x, x[:, :1], batch_size=5, verbose=0), losses[0])

    def test_two_replicas(self):
        x = np.random.default_rng(3).normal(size=(16, 3)).astype(np.float32)
        strategy = two_devices.strategy()
        with strategy.scope():
            layer = layers.GhostBatchNormalization(4)
            layer.build((None, 3))
        batches = strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(
                np.split(x, 2)[context.replica_id_in_sync_group]
            )
        )

        @tf.function
        def step(batches):
            return strategy.run(lambda x: layer(x, training=True), args=(batches,))

        outputs = tf.concat(strategy.experimental_local_results(step(batches)), 0)
        single = [layers.GhostBatchNormalization(4) for _ in range(2)]
        expected = [
            one(part, training=True)
            for one, part in zip(single, np.split(x, 2), strict=True)
        ]
        self.assertAllClose(outputs, tf.concat(expected, 0), atol=1e-6)
        for name in ("moving_mean", "moving_spread"):
            values = strategy.experimental_local_results(getattr(layer, name).value)
            mean = np.mean([getattr(one, name).numpy() for one in single], axis=0)
            self.assertLen(values, 2)
            for value in values:
                self.assertAllClose(value, mean, rtol=1e-6, atol=1e-7)


class RefusalsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ({"ghost_batch_size": 0}, "at least 2"),
        ({"ghost_batch_size": 1}, "at least 2"),
        ({"ghost_batch_size": 2.5}, "integer"),
        ({"ghost_batch_size": True}, "integer"),
        ({"axis": 0.5}, "integer"),
        ({"momentum": 1.0}, r"\[0, 1\)"),
        ({"momentum": "0.9"}, r"\[0, 1\)"),
        ({"epsilon": 0.0}, "above 0"),
        ({"epsilon": float("nan")}, "above 0"),
        ({"running_statistics": "sequental"}, "did you mean 'sequential'"),
        ({"running_spread": "variace"}, "did you mean 'variance'"),
        ({"remainder": "drop"}, "known: error, smaller"),
    )
    def test_arguments(self, argument, words):
        (name,) = argument
        with self.assertRaisesRegex(errors.UserError, f"{name}=.*{words}"):
            layers.GhostBatchNormalization(**{"ghost_batch_size": 4, **argument})

    @parameterized.parameters((0, (None, 3)), (2, (None, 3)), (1, (None, None, 3)))
    def test_axis_of_inputs(self, axis, shape):
        with self.assertRaisesRegex(errors.UserError, f"axis={axis}: "):
            layers.GhostBatchNormalization(4, axis).build(shape)

    @parameterized.parameters(("error", 10), ("error", 2), ("error", 0), ("smaller", 1))
    def test_batches(self, remainder, batch):
        words = f"ghost_batch_size=4: per-replica batch {batch}, batch {batch}: "
        with self.assertRaisesRegex(errors.UserError, words):
            self._layer(remainder)(tf.zeros([batch, 3]), training=True)

    @parameterized.product(
        case=[("error", 10), ("error", 2), ("smaller", 1)], jit=[False, True]
    )
    def test_batches_of_unknown_size(self, case, jit):
        remainder, batch = case
        layer = self._layer(remainder)
        spec = [tf.TensorSpec([None, 3], tf.float32)]
        call = tf.function(
            lambda x: layer(x, training=True), input_signature=spec, jit_compile=jit
        )
        words = "" if jit else f"ghost_batch_size=.*batch =.*{batch}"
        with self.assertRaisesRegex(tf.errors.InvalidArgumentError, words):
            call(tf.zeros([batch, 3]))

    def _layer(self, remainder):
        layer = layers.GhostBatchNormalization(4, remainder=remainder)
        layer.build((None, 3))
        return layer

    def test_replicas_are_named(self):
        strategy = two_devices.strategy()
        with strategy.scope():
            layer = self._layer("error")

        def train():
            return layer(tf.zeros([6, 3]), training=True)

        call = tf.function(lambda: strategy.run(train), autograph=False)
        with self.assertRaisesRegex(errors.UserError, "batch 6, batch 12: "):
            call()

    def test_masks(self):
        layer = layers.GhostBatchNormalization(2)
        inputs = keras.layers.Masking()(keras.Input((5, 3)))
        with self.assertRaisesRegex(errors.UserError, "mask='given': "):
            layer(inputs)


if __name__ == "__main__":
    tf.test.main()
