"""Tests that a loss means for measures what it means for `compile` and `fit`."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, measures
from bsgen.measures.landscape import evaluation, model_state
from bsgen.measures.noise import group_gradients
from bsgen.measures.objective import mean_loss
from bsgen.measures.operators import curvature
from tests.measures import keras_losses

# Of float32 sums over tens of terms of order 1.
_CLOSE = {"rtol": 1e-5, "atol": 1e-5}
_ZEROS = {"unconnected_gradients": tf.UnconnectedGradients.ZERO}


class _Summed(keras.losses.Loss):
    """A sum that its `reduction` does not tell of."""

    def call(self, y_true, y_pred):
        return keras.ops.sum((y_true - y_pred) ** 2)


class MeanLossTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(5)

    @parameterized.parameters(*keras_losses.CASES)
    def test_value_and_derivatives_are_those_of_keras(self, name):
        model, data = keras_losses.make(name, self.rng)
        loss = mean_loss.MeanLoss(model, None)
        weights = [tf.convert_to_tensor(v) for v in model.trainable_variables]
        vector = self.rng.normal(size=sum(v.shape.num_elements() for v in weights))
        value = 0.0
        sums = np.zeros((2, len(vector)))
        for share, batch in keras_losses.batches(data):
            with tf.GradientTape() as outer:
                outer.watch(weights)
                with tf.GradientTape() as inner:
                    inner.watch(weights)
                    part = loss.value(weights, batch)
                gradient = keras_losses.flat(inner.gradient(part, weights, **_ZEROS))
                slope = tf.reduce_sum(gradient * tf.constant(vector, gradient.dtype))
            product = keras_losses.flat(outer.gradient(slope, weights, **_ZEROS))
            value += share * float(part)
            sums += share * np.stack([gradient, product])
        self.assertAllClose(value, keras_losses.evaluate(model, data), **_CLOSE)
        expected = keras_losses.derivatives(model, data, vector)
        self.assertAllClose(sums[0], expected[0], **_CLOSE)
        self.assertAllClose(sums[1], expected[1], **_CLOSE)

    @parameterized.parameters(
        "own", "by_shape_sparse", "weights_divide", "mask", "dictionaries"
    )
    def test_compiled_value_and_hessian(self, name):
        model, data = keras_losses.make(name, self.rng)
        options = {"batch_size": keras_losses.BATCH_SIZE}
        found = evaluation.Evaluation(model, None, data, **options)
        state = model_state.of(model, model, "model")
        expected = keras_losses.evaluate(model, data)
        self.assertAllClose(found.at(state)["loss"], expected, **_CLOSE)
        operator = curvature.Hessian(model, None, data, **options)
        vector = self.rng.normal(size=operator.size)
        _, product = keras_losses.derivatives(model, data, vector)
        self.assertAllClose(operator.matvec(vector), product, **_CLOSE)

    @parameterized.parameters(
        "sparse", "sum", "weights_divide", "mask", "lists", "adds_losses"
    )
    def test_the_mean_over_examples_is_the_gradient(self, name):
        model, data = keras_losses.make(name, self.rng)
        groups = group_gradients.GroupGradients(
            model, None, data, batch_size=keras_losses.BATCH_SIZE
        )
        found = groups.mean()
        expected, _ = keras_losses.derivatives(model, data, np.zeros(len(found)))
        self.assertAllClose(found, expected, **_CLOSE)
        self.assertEqual(groups.num_groups, keras_losses.NUM_EXAMPLES)

    @parameterized.parameters("sum", "weights_divide", "mask")
    def test_noise_of_a_loss_that_is_no_mean(self, name):
        # Each example's gradient by hand: of the sum of its terms, over what its batch
        # is divided by, times the examples of its batch.
        model, (inputs, targets, *weights) = keras_losses.make(name, self.rng)
        rows = []
        for start in range(0, keras_losses.NUM_EXAMPLES, keras_losses.BATCH_SIZE):
            batch = slice(start, start + keras_losses.BATCH_SIZE)
            places = range(keras_losses.NUM_EXAMPLES)[batch]
            factors, divisor = np.ones(len(places)), 1.0
            if name == "weights_divide":
                factors = weights[0][batch]
                divisor = factors.sum()
            if name == "mask":
                factors = (inputs[batch] != 0).astype(np.float32)
                divisor = factors.sum()
            for i, factor in zip(places, factors, strict=True):
                with tf.GradientTape() as tape:
                    outputs = model(inputs[i : i + 1])
                    loss = (
                        keras.losses.sparse_categorical_crossentropy(
                            targets[i], outputs[0], from_logits=True
                        )
                        if name == "mask"
                        else keras.losses.binary_crossentropy(
                            targets[i : i + 1, np.newaxis], outputs
                        )
                    )
                    value = tf.reduce_sum(factor * loss) * len(places) / divisor
                variables = [v.value for v in model.trainable_variables]
                rows.append(keras_losses.flat(tape.gradient(value, variables)).numpy())
        found = measures.gradient_noise(
            model,
            None,
            (inputs, targets, *weights),
            batch_size=keras_losses.BATCH_SIZE,
        )
        self.assertAllClose(found.trace, np.var(rows, 0, ddof=1).sum(), rtol=1e-4)
        norm = np.sum(np.mean(rows, 0) ** 2)
        self.assertAllClose(found.data_squared_norm, norm, rtol=1e-4)

    def test_functions_of_class_numbers(self):
        def own(labels, logits):
            return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)

        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
        data = (self.rng.normal(size=(6, 3)), self.rng.integers(0, 4, 6))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.assertAllClose(
            measures.Hessian(model, own, data).dense(),
            measures.Hessian(model, loss, data).dense(),
            atol=1e-6,
        )
        halves = (data[0], data[1] + 0.5)
        with self.assertRaisesRegex(errors.UserError, "whole numbers only"):
            measures.Hessian(model, own, halves).dense()

    @parameterized.named_parameters(
        ("sum", lambda y, p: keras.ops.sum((y - p) ** 2), True),
        ("mean", lambda y, p: keras.ops.mean((y - p) ** 2), False),
        ("examples", lambda y, p: keras.ops.sum((y - p) ** 2, -1), False),
        # Each example against the others, as contrastive losses are.
        ("others", lambda y, p: keras.ops.logsumexp((y - p) ** 2), False),
        ("one_of_two", [lambda y, p: keras.ops.sum((y - p) ** 2), "mse"], True),
        ("class", _Summed(), True),
    )
    def test_own_sums_are_recognised(self, loss, is_sum):
        layers = [keras.layers.Dense(2, "tanh") for _ in range(2)]
        first = keras.Input((3,))
        outputs = [layer(first) for layer in layers]
        targets = [self.rng.normal(size=(6, 2)) for _ in range(2)]
        if not isinstance(loss, list):
            outputs, targets = outputs[0], targets[0]
        model = keras.Model(first, outputs)
        data = (self.rng.normal(size=(6, 3)), targets)
        found = measures.hessian_trace(measures.Hessian(model, loss, data))
        self.assertEqual("loss summed over each batch" in found.mode, is_sum)
        point = measures.loss_along_line(model, loss, data, model, model, alphas=[0.0])
        self.assertEqual("loss summed over each batch" in point.mode, is_sum)
        if is_sum:
            with self.assertRaisesRegex(errors.UserError, "sum over the batch"):
                measures.noise_by_batch_size(model, loss, data, [1, 2])

    def test_functions_that_look_at_the_weights(self):
        model, data = keras_losses.make("own", self.rng)
        kernel = model.layers[0].kernel

        def penalised(targets, outputs):
            return (targets - outputs) ** 2 + 3.0 * keras.ops.sum(kernel**2)

        found = measures.Hessian(model, penalised, data).dense()
        plain = measures.Hessian(model, None, data).dense()
        self.assertAllClose(found - plain, np.diag([6.0] * 3 + [0.0]), **_CLOSE)
        with self.assertRaisesRegex(errors.UserError, "looks at the weights"):
            measures.gradient_noise(model, penalised, data)

    def test_float64_models_are_measured_in_float64(self):
        layers = [keras.layers.Dense(1, dtype="float64")]
        model = keras.Sequential([keras.Input((3,), dtype="float64"), *layers])
        inputs, targets = self.rng.normal(size=(9, 3)), self.rng.normal(size=9)
        padded = np.hstack([inputs, np.ones((9, 1))])
        found = measures.Hessian(model, "mse", (inputs, targets)).dense()
        self.assertAllClose(found, 2 * padded.T @ padded / 9, rtol=1e-13, atol=1e-13)
        self.assertEqual(keras.config.floatx(), "float32")

    def test_gauss_newton_of_probabilities_is_that_of_logits(self):
        model, data = keras_losses.make("by_shape_sparse", self.rng)
        logits = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
        logits.set_weights(model.get_weights())
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        vector = self.rng.normal(size=12)
        expected = curvature.Hessian(logits, loss, data).matvec(vector)
        for method in ("forward_over_reverse", "reverse_over_reverse"):
            operator = curvature.GaussNewton(model, None, data, method=method)
            # The logits are linear in the weights, so this is the Hessian.
            self.assertAllClose(operator.matvec(vector), expected, **_CLOSE)

    def test_the_model_stays_as_it_is(self):
        model, data = keras_losses.make("lists", self.rng)
        before = keras_losses.evaluate(model, data)
        loss, weights = model.loss, model.get_weights()
        other = ["mae", keras.losses.SparseCategoricalCrossentropy(from_logits=True)]
        measures.gradient_noise(model, other, data, loss_weights=[1.0, 5.0])
        self.assertIs(model.loss, loss)
        self.assertAllEqual(model.get_weights()[0], weights[0])
        self.assertEqual(keras_losses.evaluate(model, data), before)

    def test_names_for_outputs_without_names(self):
        class Pair(keras.Model):
            def __init__(self):
                super().__init__()
                self.dense = keras.layers.Dense(1)

            def call(self, inputs):
                return self.dense(inputs), -self.dense(inputs)

        model = Pair()
        inputs, target = np.ones((4, 3), np.float32), np.zeros((4, 1))
        model(inputs)
        loss, named = {"a": "mse", "b": "mse"}, {"a": target, "b": target}
        with self.assertRaisesRegex(errors.UserError, "targets=.*have no names"):
            measures.top_eigenvalue(measures.Hessian(model, loss, (inputs, named)))
        for targets in ([target] * 2, (target,) * 2):
            with self.assertRaisesRegex(errors.UserError, "loss=.*have no names"):
                measures.top_eigenvalue(
                    measures.Hessian(model, loss, (inputs, targets))
                )
            found = measures.top_eigenvalue(
                measures.Hessian(model, ["mse"] * 2, (inputs, targets))
            )
            # Twice that of one output, 2 |(1, 1, 1, 1)|^2.
            self.assertAllClose(found.value, 16.0, rtol=1e-3)

    def test_losses_that_cannot_be(self):
        plain = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])

        class Own(keras.Model):
            def compute_loss(self, x=None, y=None, y_pred=None, *args, **kwargs):
                return keras.ops.mean(y_pred)

        own = Own(plain.inputs, plain.outputs)
        own.compile("sgd", "mse")
        data = (np.ones((4, 3)), np.ones(4))
        for model, loss, message in (
            (plain, None, "loss=None: give a loss, or compile the model"),
            (plain, "crossentropie", "loss='crossentropie': Keras knows no such loss"),
            (plain, 3.0, "loss=3.0: give what `compile` takes"),
            (own, None, "model=.*computes the loss itself"),
        ):
            with self.assertRaisesRegex(errors.UserError, message):
                measures.top_eigenvalue(measures.Hessian(model, loss, data))
        with self.assertRaisesRegex(errors.UserError, "loss_weights='2'"):
            measures.top_eigenvalue(
                measures.Hessian(plain, "mse", data, loss_weights="2")
            )


if __name__ == "__main__":
    tf.test.main()
