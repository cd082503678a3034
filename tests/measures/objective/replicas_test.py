"""Tests of measures of models under MirroredStrategy, against one replica."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import measures
from bsgen.measures.objective import replicas
from bsgen.measures.operators import (
    curvature,
    data_operator,
)
from tests import two_devices
from tests.measures import keras_losses, small_models

# Float64 sums in another order.
_ROUNDING = {"rtol": 1e-12, "atol": 1e-14}


class ReplicasTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(4)

    def pair(self, kind, num_examples):
        """A model, the same under two replicas, and data."""
        model, data = small_models.make(kind, self.rng, num_examples)
        with two_devices.strategy().scope():
            shape, layers = small_models.kinds("float64")[kind]
            mirrored = small_models.network(shape, *layers, dtype="float64")
            mirrored.set_weights(model.get_weights())
        return model, mirrored, data

    def test_shares_batches_out(self):
        model, mirrored, _ = self.pair("dense", 1)
        pieces = [np.arange(3.0), np.arange(2.0), np.full(4, 5.0)]
        for each, count in ((model, 1), (mirrored, 2)):
            found = replicas.Replicas(each)
            self.assertEqual(found.count, count)
            sums = found.compiled(lambda factor, x: factor * tf.reduce_sum(x))
            batches = [(piece,) for piece in pieces]
            factor = found.everywhere(tf.constant(2.0, tf.float64))
            values = list(found.each(sums, batches, factor))
            self.assertAllEqual(values, [6.0, 2.0, 40.0])
            total = found.compiled(lambda share, x: share * tf.reduce_sum(x))
            parts = [
                found.sum(total(share, *batch)).numpy()
                for _, batch, share in found.shared_out(batches)
            ]
            self.assertAllEqual(parts, [[3, 1, 20], [4, 20]][count - 1])

    def test_every_replica_takes_part(self):
        _, mirrored, data = self.pair("dense", 8)
        devices = []

        def loss(labels, logits):
            devices.append(logits.device)
            return small_models.softmax(labels, logits)

        operator = curvature.Hessian(mirrored, loss, data, batch_size=4)
        operator.matvec(np.ones(operator.size))
        self.assertLen(set(devices), 2)

    # Batches of 4, 4, 4 for two replicas, whatever the method; of 5, 5, 1 and 4, 4, 3,
    # which are traced again; and one of 11, for one replica.
    @parameterized.parameters(
        ("dense", 12, 4, (1, 2, 3)),
        ("dense", 11, 256, (1,)),
        ("dense", 11, 5, (1,)),
        ("batch_norm", 11, 4, (1,)),
    )
    def test_products_are_those_of_one_replica(
        self, kind, num_examples, batch_size, methods
    ):
        model, mirrored, data = self.pair(kind, num_examples)
        for make in (curvature.Hessian, curvature.GaussNewton):
            for method in (make.methods[i] for i in methods if i < len(make.methods)):
                options = {"l2": 0.2, "batch_size": batch_size, "method": method}
                one, two = (
                    make(each, small_models.softmax, data, **options)
                    for each in (model, mirrored)
                )
                vector = self.rng.normal(size=one.size)
                exact = method in data_operator.METHODS
                self.assertAllClose(
                    two.matvec(vector),
                    one.matvec(vector),
                    # Differences divide the rounding by the step, 6e-6.
                    **(_ROUNDING if exact else {"rtol": 1e-8, "atol": 1e-8}),
                )
                self.assertEqual(two.mode, one.mode)
        self.assertAllClose(two.gradient(), one.gradient(), **_ROUNDING)

    def test_training_mode_takes_the_same_batches(self):
        model, mirrored, data = self.pair("batch_norm", 11)
        for each in (model, mirrored):
            each.layers[-2].rate = 0.0  # dropout draws
        one, two = (
            curvature.Hessian(
                each, small_models.softmax, data, training=True, batch_size=3
            )
            for each in (model, mirrored)
        )
        vector = self.rng.normal(size=one.size)
        found = two.matvec(vector)
        self.assertEqual(two.mode, "training, finite differences")
        self.assertAllClose(found, one.matvec(vector), rtol=1e-8, atol=1e-8)
        self.assertAllClose(two.gradient(), one.gradient(), **_ROUNDING)

    def test_running_averages_that_drifted_apart_are_read_once(self):
        model, mirrored, data = self.pair("batch_norm", 8)

        def drift():
            place = tf.distribute.get_replica_context().replica_id_in_sync_group
            for variable in mirrored.non_trainable_variables:
                if "moving" in variable.path:
                    move = tf.cast(place, variable.dtype)
                    variable.value.assign_add(
                        move * tf.ones(variable.shape, variable.dtype)
                    )

        two_devices.strategy().run(drift)
        one, two = (
            curvature.Hessian(each, small_models.softmax, data, batch_size=4)
            for each in (model, mirrored)
        )
        model.set_weights(mirrored.get_weights())
        vector = self.rng.normal(size=one.size)
        self.assertAllClose(two.matvec(vector), one.matvec(vector), **_ROUNDING)

    def test_data_sets_of_uneven_batches_compile_a_few_times(self):
        model, mirrored, data = self.pair("dense", 30)
        cuts = np.split(np.arange(30), np.cumsum([3, 1, 4, 2, 5, 6, 7]))
        dataset = tf.data.Dataset.from_generator(
            lambda: ((data[0][c], data[1][c]) for c in cuts),
            output_signature=(
                tf.TensorSpec((None, 4), tf.float64),
                tf.TensorSpec((None,), tf.int64),
            ),
        )
        traced = []

        def loss(labels, logits):
            if not tf.executing_eagerly():
                traced.append(1)
            return small_models.softmax(labels, logits)

        operator = curvature.Hessian(mirrored, loss, dataset)
        vector = self.rng.normal(size=operator.size)
        expected = curvature.Hessian(model, small_models.softmax, data).matvec(vector)
        for _ in range(2):
            self.assertAllClose(operator.matvec(vector), expected, **_ROUNDING)
        # Once for fixed sizes, twice until all are free, on two replicas each.
        self.assertLessEqual(len(traced), 6)

    @parameterized.parameters((1, 12), (2, 11))  # 4, 4, 4 and 4, 4, 3
    def test_gradient_noise(self, group_size, num_examples):
        model, mirrored, data = self.pair("batch_norm", num_examples)
        one, two = (
            measures.gradient_noise(
                each,
                small_models.softmax,
                data,
                group_size=group_size,
                batch_size=4,
            )
            for each in (model, mirrored)
        )
        self.assertEqual(two.num_examples, one.num_examples)
        for name in ("trace", "squared_norm", "noise_scale_standard_error"):
            self.assertAllClose(getattr(two, name), getattr(one, name), rtol=1e-10)

    @parameterized.parameters("lists", "sum", "mask")
    def test_losses_as_keras_compiles_them(self, name):
        # Keras divides some losses by the number of replicas, and no sums.
        model, data = keras_losses.make(name, self.rng)
        with two_devices.strategy().scope():
            mirrored = keras.models.clone_model(model)
        mirrored.set_weights(model.get_weights())
        loss, options = model.loss, {"batch_size": keras_losses.BATCH_SIZE}
        if name == "lists":
            options["loss_weights"] = [2.0, 0.3]
        one, two = (
            measures.gradient_noise(each, loss, data, **options)
            for each in (model, mirrored)
        )
        operator = curvature.Hessian(mirrored, loss, data, **options)
        vector = self.rng.normal(size=operator.size)
        _, product = keras_losses.derivatives(model, data, vector)
        # Of float32.
        self.assertAllClose(operator.matvec(vector), product, rtol=1e-4, atol=1e-5)
        self.assertAllClose(two.trace, one.trace, rtol=1e-5)
        self.assertAllClose(two.data_squared_norm, one.data_squared_norm, rtol=1e-5)

    def test_loss_along_a_line(self):
        model, mirrored, data = self.pair("batch_norm", 11)
        ends = [
            [w + self.rng.normal(size=w.shape) for w in state]
            for state in [[v.numpy() for v in model.trainable_variables]] * 2
        ]
        accuracy = {"accuracy": keras.metrics.sparse_categorical_accuracy}
        one, two = (
            measures.loss_along_line(
                each,
                small_models.softmax,
                data,
                *ends,
                alphas=[0.0, 0.5],
                metrics=accuracy,
                running_statistics="reestimate",
                batch_size=4,
            )
            for each in (model, mirrored)
        )
        self.assertAllClose(two.loss, one.loss, **_ROUNDING)
        self.assertAllClose(two.metrics["accuracy"], one.metrics["accuracy"])

    def test_random_potential(self):
        model, mirrored, data = self.pair("batch_norm", 11)
        one, two = (
            measures.random_potential(
                *(each, small_models.softmax, data, 1.0),
                num_directions=10,
                l2=0.1,
                batch_size=4,
            )
            for each in (model, mirrored)
        )
        self.assertAllClose(one.differences, two.differences, **_ROUNDING)
        self.assertGreater(np.abs(one.differences).max(), 1e-2)

    def test_what_cannot_be_measured_is_refused_alike(self):
        _, mirrored, data = self.pair("dense", 8)
        with self.assertRaisesRegex(ValueError, "exactly zero") as caught:
            measures.top_eigenvalue(
                measures.Hessian(mirrored, lambda y, z: 0 * z[:, 0], data)
            )
        self.assertNotIn("\n", str(caught.exception))
        with two_devices.strategy().scope():
            norm = keras.layers.LayerNormalization(dtype="float64")
            layers = [keras.layers.Dense(3, dtype="float64"), norm]
            stops = small_models.network((4,), *layers, dtype="float64")
        found = measures.top_eigenvalue(
            measures.Hessian(stops, small_models.softmax, data)
        )
        self.assertEqual(found.mode, "inference, finite differences")


if __name__ == "__main__":
    tf.test.main()
