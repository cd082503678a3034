"""Tests of how products go through data, losses and weights, and what they refuse."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors
from bsgen.measures.operators import (
    curvature,
    data_operator,
)
from tests.measures import small_models

_METHODS = data_operator.METHODS[1:]


class DataOperatorTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(0)

    def test_uneven_batches_and_data_sets(self):
        model, (inputs, labels) = small_models.make("dense", self.rng, 10)
        vector = self.rng.normal(size=model.count_params())
        whole = curvature.Hessian(model, small_models.softmax, (inputs, labels))
        cut = curvature.Hessian(
            model, small_models.softmax, (inputs, labels), batch_size=4
        )
        batches = tf.data.Dataset.from_tensor_slices((inputs, labels)).batch(4)
        ragged = batches.concatenate(batches.skip(1).take(1))
        repeated = np.r_[np.arange(10), np.arange(4, 8)]
        expected = whole.matvec(vector)
        self.assertAllClose(cut.matvec(vector), expected, rtol=1e-12)
        found = curvature.Hessian(model, small_models.softmax, batches)
        self.assertAllClose(found.matvec(vector), expected, rtol=1e-12)
        self.assertAllClose(found.matvec(vector), expected, rtol=1e-12)
        longer = curvature.Hessian(
            model, small_models.softmax, (inputs[repeated], labels[repeated])
        )
        found = curvature.Hessian(model, small_models.softmax, ragged).matvec(vector)
        self.assertAllClose(found, longer.matvec(vector), rtol=1e-12)

    def test_compiles_at_most_twice(self):
        model, data = small_models.make("dense", self.rng, 30)
        sizes = [3, 1, 4, 2, 5, 6, 7, 2]
        cuts = np.split(np.arange(30), np.cumsum(sizes)[:-1])
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

        operator = curvature.Hessian(model, loss, dataset)
        for _ in range(3):
            found = operator.matvec(np.ones(operator.size))
        self.assertLessEqual(len(traced), 2)
        whole = curvature.Hessian(model, small_models.softmax, data).matvec(
            np.ones(operator.size)
        )
        self.assertAllClose(found, whole, rtol=1e-12)

    def test_follows_the_weights(self):
        model, data = small_models.make("batch_norm", self.rng)
        operator = curvature.Hessian(model, small_models.softmax, data)
        vector = self.rng.normal(size=operator.size)
        operator.matvec(vector)
        small_models.randomise(model, self.rng)
        fresh = curvature.Hessian(model, small_models.softmax, data)
        self.assertAllClose(operator.matvec(vector), fresh.matvec(vector), rtol=1e-13)

    @parameterized.parameters(
        ("sum", 4.0), ("sum_over_batch_size", 1.0), ("none", 1.0), ("mean", 1.0)
    )
    def test_reductions(self, reduction, factor):
        model, data = small_models.make("dense", self.rng, 12)
        loss = keras.losses.SparseCategoricalCrossentropy(True, reduction=reduction)
        vector = self.rng.normal(size=model.count_params())
        operator = curvature.Hessian(model, loss, data, batch_size=4)
        expected = curvature.Hessian(model, small_models.softmax, data).matvec(vector)
        # Keras' loss computes in float32, whatever the model's dtype.
        found = operator.matvec(vector)
        self.assertAllClose(found, factor * expected, rtol=0, atol=5e-5)
        self.assertEqual("summed" in operator.mode, reduction == "sum")
        self.assertEqual(loss.reduction, reduction)

    def test_mean_losses_and_losses_per_step(self):
        model, data = small_models.make("dense", self.rng)
        vector = self.rng.normal(size=model.count_params())
        expected = curvature.Hessian(model, small_models.softmax, data).matvec(vector)
        for loss in (
            lambda labels, logits: tf.reduce_mean(small_models.softmax(labels, logits)),
            lambda labels, logits: (
                small_models.softmax(labels, logits)[:, None] * [[0.5, 1.5]]
            ),
        ):
            found = curvature.Hessian(model, loss, data, batch_size=3).matvec(vector)
            self.assertAllClose(found, expected, rtol=1e-12)

    def test_embedding(self):
        # Its gradient comes as the rows that were looked up.
        layers = [keras.layers.Embedding(7, 3, dtype="float64")]
        layers += [
            keras.layers.Flatten(dtype="float64"),
            keras.layers.Dense(3, dtype="float64"),
        ]
        model = small_models.network((4,), *layers, dtype="int32")
        small_models.randomise(model, self.rng)
        inputs = self.rng.integers(0, 6, size=(9, 4))
        data = (inputs, self.rng.integers(0, 3, size=9))
        operator = curvature.Hessian(model, small_models.softmax, data)
        vector = self.rng.normal(size=operator.size)
        expected = small_models.difference_product(model, *data, vector)
        self.assertAllClose(operator.matvec(vector), expected, rtol=0, atol=1e-6)

    def test_many_inputs_and_outputs(self):
        first, second = (
            keras.Input((2,), name="first"),
            keras.Input((3,), name="second"),
        )
        both = keras.layers.Concatenate()([first, second])
        outputs = [keras.layers.Dense(1, "tanh")(both), keras.layers.Dense(2)(both)]
        model = keras.Model({"first": first, "second": second}, outputs)
        inputs = {
            "first": self.rng.normal(size=(8, 2)),
            "second": self.rng.normal(size=(8, 3)),
        }
        targets = (self.rng.normal(size=(8, 1)), self.rng.normal(size=(8, 2)))

        loss = small_models.squared_error  # of each output; they are added up
        operator = curvature.Hessian(model, loss, (inputs, targets), batch_size=5)
        matrix = np.array([operator.matvec(row) for row in np.eye(operator.size)])
        padded = np.hstack([inputs["first"], inputs["second"], np.ones((8, 1))])
        expected = 2 * padded.T @ padded / 8
        where = [6, 8, 10, 12, 14, 16]  # the weights of the first linear output
        linear = matrix[np.ix_(where, where)]
        self.assertAllClose(linear, expected, rtol=0, atol=1e-5)
        self.assertAllClose(matrix, matrix.T, rtol=0, atol=1e-5)
        vector = self.rng.normal(size=operator.size)
        newton = [
            curvature.GaussNewton(model, loss, (inputs, targets), method=m)
            for m in _METHODS
        ]
        found = [n.matvec(vector) for n in newton]
        self.assertAllClose(found[0], found[1], rtol=0, atol=1e-5)


class ErrorsTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.model = small_models.network((3,), keras.layers.Dense(2))
        self.data = (np.ones((4, 3), np.float32), np.array([0, 1, 1, 0]))

    def refuses(
        self, message, model=None, loss=small_models.softmax, data=None, **options
    ):
        with self.assertRaisesRegex(errors.UserError, message) as caught:
            data = self.data if data is None else data
            operator = curvature.Hessian(model or self.model, loss, data, **options)
            operator.matvec(np.random.default_rng(0).normal(size=operator.size))
        self.assertNotIn("\n", str(caught.exception))

    def test_arguments(self):
        empty = small_models.network((3,), keras.layers.Activation("relu"))
        self.refuses("model=.*no trainable weights", model=empty)
        self.refuses("method='forward': unknown", method="forward")
        self.refuses("l2=-1.0", l2=-1.0)
        self.refuses("batch_size=0", batch_size=0)
        self.refuses("loss='msee': Keras knows no such loss", loss="msee")

    def test_data(self):
        inputs, labels = self.data
        self.refuses("data='empty'", data=(inputs[:0], labels[:0]))
        self.refuses(r"data=.*\[3, 4\]", data=(inputs, labels[:3]))
        self.refuses("data=.*: give", data=inputs)
        dataset = tf.data.Dataset.from_tensor_slices(self.data)
        self.refuses("data='empty'", data=dataset.batch(2).take(0))
        self.refuses("data=.*it does not end", data=dataset.batch(2).repeat())
        only = dataset.map(lambda x, y: x).batch(2)
        self.refuses(r"data=.*must be \(inputs, targets\)", data=only)
        none = dataset.filter(lambda x, y: y > 5).batch(2)
        self.refuses("data='empty': give at least one example", data=none)

    def test_not_finite(self):
        inputs, labels = self.data
        self.refuses(
            "data='inputs': 12 of their numbers are NaN", data=(inputs * np.inf, labels)
        )
        # The root is finite at zero, its derivatives are not.
        weights = [np.zeros((3, 2)), np.zeros(2)]
        self.model.set_weights(weights)
        self.refuses(
            "loss=0.0: .*derivatives", loss=lambda y, z: tf.sqrt(tf.abs(z[:, 0]))
        )
        self.model.set_weights([np.full((3, 2), np.nan), np.zeros(2)])
        self.refuses("model=.*weights are not finite")

    def test_no_second_derivative(self):
        def absolute(labels, outputs):
            return tf.abs(outputs[:, 0] - 3.0)

        self.refuses("loss='absolute': its Hessian is exactly zero", loss=absolute)
        mean_absolute = keras.losses.MeanAbsoluteError()
        data = (self.data[0], np.ones((4, 2), np.float32))
        self.refuses("loss='mean_absolute_error'", loss=mean_absolute, data=data)
        self.refuses(
            "loss='<lambda>': it does not depend",
            loss=lambda labels, outputs: tf.cast(tf.argmax(outputs, 1), tf.float32),
        )

    def test_piecewise_linear_loss_is_said(self):
        # What curves here is the network; the kinks of the loss have no Hessian.
        model, data = small_models.make("dense", np.random.default_rng(1))
        targets = np.random.default_rng(2).normal(size=(11, 3))
        note = "inference, loss piecewise linear in the outputs"
        for loss, expected in (
            (lambda y, z: tf.abs(z - targets), note),
            (lambda y, z: tf.nn.relu(1.0 - targets * z), note),
            (lambda y, z: tf.abs(z - targets) + 1e-3 * z**2, "inference"),
        ):
            operator = curvature.Hessian(model, loss, data)
            operator.matvec(np.ones(operator.size))
            self.assertEqual(operator.mode, expected)

    def test_operation_without_second_derivative(self):
        def loss(labels, outputs):
            large = tf.image.resize(outputs[:, :, None, None], [4, 1], "bicubic")
            return tf.reduce_sum(large**2, axis=[1, 2, 3])

        self.refuses("model=.*no second derivative .*ResizeBicubicGrad", loss=loss)
        options = {"loss": loss, "method": "finite_differences"}
        operator = curvature.Hessian(self.model, data=self.data, **options)
        matrix = [operator.matvec(row) for row in np.eye(operator.size)]
        # A quadratic: differences err by rounding alone, 6e-8 / 5e-3 of its entries.
        self.assertAllClose(matrix, np.transpose(matrix), rtol=0, atol=2e-4)

    def test_vector_of_another_length(self):
        loss = small_models.softmax
        for kind in (curvature.Hessian, curvature.GaussNewton):
            operator = kind(self.model, loss, self.data)
            with self.assertRaisesRegex(errors.UserError, r"vector=\(3,\): give \[8\]"):
                operator.matvec(np.ones(3))

    def test_what_runs_but_is_no_graph(self):
        # Asks for a number, which only eager tensors have.
        def loss(labels, outputs):
            return outputs**2 * float(tf.reduce_max(outputs) > -1e9)

        self.refuses("model=.*cannot be compiled into a graph", loss=loss)

    def test_a_sample_may_be_flat_where_the_whole_is_curved(self):
        inputs, targets = np.zeros((40, 3), np.float32), np.ones((40, 2), np.float32)
        model = small_models.network((3,), keras.layers.Dense(2, use_bias=False))
        draw = np.random.default_rng(3)
        inputs[draw.permutation(40)[5:]] = 1.0
        for whole, is_curved in ((inputs, True), (0 * inputs, False)):
            operator = curvature.Hessian(
                model, small_models.squared_error, (whole, targets)
            )
            with operator.on_sample(5, np.random.default_rng(3)):
                self.assertAllEqual(operator.matvec(np.ones(6)), np.zeros(6))
            if is_curved:
                self.assertAllGreater(operator.matvec(np.ones(6)), 1.0)
            else:  # a look at a sample does not let a flat whole pass
                with self.assertRaisesRegex(errors.UserError, "exactly zero"):
                    operator.matvec(np.ones(6))

    def test_zero_product_with_a_null_vector(self):
        data = (np.zeros((4, 3), np.float32), self.data[1])
        operator = curvature.Hessian(self.model, small_models.softmax, data)
        self.assertAllEqual(operator.matvec(np.zeros(operator.size)), np.zeros(8))


if __name__ == "__main__":
    tf.test.main()
