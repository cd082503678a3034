"""GhostBatchNormalization in Keras: files, `fit`, replicas, and every refusal."""

import functools

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, layers
from tests import two_devices
from tests.references import ghost_batch_norm as twin


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
            remainder="error",
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

    def test_fit(self):
        model = small_model()
        model.compile(keras.optimizers.SGD(0.1), "mse")
        x = np.random.default_rng(2).normal(size=(22, 6)).astype(np.float32)
        history = model.fit(x, x[:, :1], batch_size=8, epochs=8, verbose=0)
        losses = history.history["loss"]
        self.assertLess(losses[-1], 0.3 * losses[0])
        self.assertLess(model.evaluate(x, x[:, :1], batch_size=5, verbose=0), losses[0])

    @parameterized.product(size=[22, 21, 17], jit=[False, True])
    def test_fit_takes_the_last_partial_batch(self, size, jit):
        # Batches of 8, then of 6 (ghosts of 4 and 2), of 5 (one ghost) or of 1 (none).
        x = np.random.default_rng(2).normal(1, 2, size=(size, 3)).astype(np.float32)
        layer = layers.GhostBatchNormalization(4)
        model = keras.Sequential([keras.Input((3,)), layer])
        model.compile(keras.optimizers.SGD(0.0), "mse", jit_compile=jit)
        model.fit(x, x, batch_size=8, shuffle=False, verbose=0)
        old = np.zeros(3), np.full(3, np.sqrt(1 + 1e-5))
        for first in range(0, size, 8):
            batch = x[first : first + 8]
            if len(batch) == 1:
                continue
            statistics = twin.normalize(batch, np.ones(3), np.zeros(3), 1e-5, -1, 4)[1]
            rule = ("sequential", "std", False, 0.9, 1e-5)
            old = twin.update(*rule, statistics, 4, old)
        self.assertAllClose(layer.moving_mean, old[0], rtol=1e-5, atol=1e-6)
        self.assertAllClose(layer.moving_std, old[1], rtol=1e-5)
        expected = (x - old[0]) / old[1]
        for batch_size in (1, 3, size):
            predicted = model.predict(x, batch_size=batch_size, verbose=0)
            self.assertAllClose(predicted, expected, rtol=1e-5, atol=1e-5)

    def test_fit_says_what_the_strict_policy_refuses(self):
        model = small_model(remainder="error")
        model.compile("sgd", "mse", jit_compile=False)
        x = np.ones((10, 6), np.float32)
        words = r"size=4: per-replica batch\] \[2\] \[: does not.*smaller"
        with self.assertRaisesRegex(tf.errors.InvalidArgumentError, words):
            model.fit(x, x[:, :1], batch_size=8, verbose=0)

    def test_fit_under_xla_knows_its_batch_size_or_is_refused_in_one_line(self):
        model = small_model(remainder="error")
        model.compile("sgd", "mse", jit_compile=True)
        x = np.ones((10, 6), np.float32)
        with self.assertRaisesRegex(errors.UserError, "remainder='error'") as caught:
            model.fit(x, x[:, :1], batch_size=8, verbose=0)
        self.assertNotIn("\n", str(caught.exception))
        examples = tf.data.Dataset.from_tensor_slices((x, x[:, :1]))
        whole = examples.batch(8, drop_remainder=True)
        model.fit(whole, shuffle=False, verbose=0)

    def test_inside_a_wrapper(self):
        layer = layers.GhostBatchNormalization(4)
        inputs = keras.Input((5, 3))
        outputs = keras.layers.TimeDistributed(layer)(inputs)
        model = keras.Model(inputs, outputs)
        x = np.random.default_rng(6).normal(size=(6, 5, 3)).astype(np.float32)
        y = model(x, training=True)
        alone = layers.GhostBatchNormalization(4)
        expected = np.stack([alone(x[:, step], training=True) for step in range(5)], 1)
        self.assertAllClose(y, expected, rtol=1e-5, atol=1e-6)

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
        # It is the averages of means and of standard deviations that become means.
        mean = np.mean([one.moving_mean.numpy() for one in single], axis=0)
        variance = np.mean([one.moving_std.numpy() for one in single], axis=0) ** 2
        for weight, expected in (
            (layer.moving_mean, mean),
            (layer.moving_variance, variance - layer.epsilon),
        ):
            values = strategy.experimental_local_results(weight.value)
            self.assertLen(values, 2)
            for value in values:
                self.assertAllClose(value, expected, rtol=1e-6, atol=1e-7)

    def test_a_replica_with_one_example_or_none(self):
        x = np.random.default_rng(4).normal(size=(7, 3)).astype(np.float32)
        strategy = two_devices.strategy()
        for sizes in ((4, 3), (6, 1), (7, 0)):
            with strategy.scope():
                layer = layers.GhostBatchNormalization(4)
                layer.build((None, 3))
            parts = tf.data.Dataset.from_generator(
                lambda sizes=sizes: iter(np.split(x, [sizes[0]])),
                output_signature=tf.TensorSpec([None, 3]),
            )
            batches = strategy.distribute_datasets_from_function(
                lambda context, parts=parts: parts
            )

            @tf.function
            def step(batch, layer=layer):
                return strategy.run(lambda x: layer(x, training=True), args=(batch,))

            step(next(iter(batches)))
            single = [layers.GhostBatchNormalization(4) for _ in sizes]
            for one, part in zip(single, np.split(x, [sizes[0]]), strict=True):
                one(part, training=True)
            stds = [one.moving_std.numpy() for one in single]
            self.assertAllClose(layer.moving_std, np.mean(stds, axis=0), rtol=1e-5)


class RefusalsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ({"ghost_batch_size": 0}, "at least 2"),
        ({"ghost_batch_size": 1}, "at least 2"),
        ({"ghost_batch_size": 2.5}, "integer"),
        ({"ghost_batch_size": True}, "integer"),
        ({"axis": 0.5}, "integer"),
        ({"momentum": 1.0}, "below 1"),
        ({"momentum": "0.9"}, "below 1"),
        ({"epsilon": 0.0}, "above 0"),
        ({"epsilon": float("nan")}, "finite"),
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

    @parameterized.product(batch=[10, 2, 1, 0], jit=[None, False, True])
    def test_batches(self, batch, jit):
        layer = self._layer("error")
        call = functools.partial(layer, training=True)
        if jit is not None:
            call = tf.function(call, autograph=False, jit_compile=jit)
        words = f"ghost_batch_size=4: per-replica batch {batch}, batch {batch}: "
        with self.assertRaisesRegex(errors.UserError, words) as caught:
            call(tf.zeros([batch, 3]))
        self.assertNotIn("\n", str(caught.exception))

    @parameterized.parameters(10, 2)
    def test_batches_of_unknown_size(self, batch):
        call = self._call_of_unknown_size(jit=False)
        words = rf"ghost_batch_size=4: per-replica batch\] \[{batch}\] \[: does not"
        with self.assertRaisesRegex(tf.errors.InvalidArgumentError, words):
            call(tf.zeros([batch, 3]))

    def test_batches_of_unknown_size_under_xla(self):
        call = self._call_of_unknown_size(jit=True)
        with self.assertRaisesRegex(errors.UserError, "remainder='error': XLA cannot"):
            call(tf.zeros([8, 3]))

    def _call_of_unknown_size(self, jit):
        layer = self._layer("error")
        spec = [tf.TensorSpec([None, 3], tf.float32)]
        return tf.function(
            lambda x: layer(x, training=True),
            input_signature=spec,
            jit_compile=jit,
            autograph=False,
        )

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


if __name__ == "__main__":
    tf.test.main()
