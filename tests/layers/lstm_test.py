"""Tests of `bsgen.layers.lstm` against closed forms, NumPy, Keras and differences."""

import pathlib

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import layers
from bsgen.layers import lstm
from tests.references import lstm as reference

_BATCH, _LENGTH, _WIDTH, _UNITS = 3, 5, 4, 2
# Of sums of a few products of order 1, through some twenty operations.
_ROUNDING = {"float32": 1e-5, "float64": 1e-13}


def _drawn(seed, dtype="float64"):
    """Inputs and states, and the weights of a layer."""
    rng = np.random.default_rng(seed)
    shapes = [(_BATCH, _LENGTH, _WIDTH), (_BATCH, _UNITS), (_BATCH, _UNITS)]
    shapes += [(_WIDTH, 4 * _UNITS), (_UNITS, 4 * _UNITS), (4 * _UNITS,)]
    drawn = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    return drawn[:3], drawn[3:]


def _layer(weights, dtype="float64"):
    layer = layers.LSTM(_UNITS, dtype=dtype)
    layer.build((None, _LENGTH, _WIDTH))
    layer.set_weights(weights)
    return layer


class LSTMTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters("float32", "float64")
    def test_against_numpy(self, dtype):
        arguments, weights = _drawn(1, dtype)
        found = _layer(weights, dtype)(*arguments)
        inputs, *states = (each.astype(float) for each in arguments)
        expected = reference.layer(inputs, weights, *states)
        for one, other in zip(found, expected, strict=True):
            self.assertAllClose(one, other, rtol=_ROUNDING[dtype], atol=1e-6)

    def test_without_weights_a_state_fades_by_half(self):
        # All gates are sigmoid(0) = 1/2, the candidate is tanh(0) = 0.
        (inputs, hidden, cell), weights = _drawn(2)
        layer = _layer([np.zeros_like(each) for each in weights])
        outputs, _, last = layer(inputs, hidden, cell)
        self.assertAllClose(last, cell / 2**_LENGTH, rtol=1e-14)
        self.assertAllClose(outputs[:, 1], np.tanh(cell / 4) / 2, rtol=1e-14)

    def test_an_open_gate_adds_up_its_inputs(self):
        # b = 40 opens the input, the forget and the output gate: c grows by tanh(g).
        (inputs, hidden, cell), weights = _drawn(3)
        kernel, recurrent_kernel, bias = (np.zeros_like(each) for each in weights)
        bias[:] = np.repeat([40, 40, 0, 40], _UNITS)
        kernel[:, 2 * _UNITS : 3 * _UNITS] = weights[0][:, :_UNITS]
        _, last, sums = _layer([kernel, recurrent_kernel, bias])(inputs, hidden, cell)
        expected = cell + np.tanh(inputs @ weights[0][:, :_UNITS]).sum(axis=1)
        self.assertAllClose(sums, expected, rtol=1e-13)
        self.assertAllClose(last, np.tanh(expected), rtol=1e-13)

    def test_two_windows_are_one_that_is_as_long(self):
        (inputs, *states), weights = _drawn(4)
        layer = _layer(weights)
        first, *between = layer(inputs[:, :2], *states)
        second, *last = layer(inputs[:, 2:], *between)
        whole, *expected = layer(inputs, *states)
        self.assertAllEqual(tf.concat([first, second], axis=1), whole)
        self.assertAllEqual(last, expected)

    def test_weights_are_those_of_keras(self):
        (inputs, *states), weights = _drawn(5, "float32")
        twin = keras.layers.LSTM(_UNITS, return_sequences=True, return_state=True)
        twin.build(inputs.shape)
        twin.set_weights(weights)
        found = _layer(weights, "float32")(inputs, *states)
        for one, other in zip(found, twin(inputs, initial_state=states), strict=True):
            self.assertAllClose(one, other, rtol=1e-5, atol=1e-6)

    def test_gradients_against_differences(self):
        arguments, weights = _drawn(6)
        layer = _layer(weights)
        factors = np.random.default_rng(7).normal(size=(_BATCH, _LENGTH, _UNITS))

        def value(point):
            layer.set_weights(point[3:])
            outputs, hidden, cell = layer(*point[:3])
            return float(
                tf.reduce_sum(outputs * factors) + tf.reduce_sum(hidden * cell)
            )

        point = [*arguments, *weights]
        with tf.GradientTape() as tape:
            tensors = [tf.constant(each) for each in arguments]
            tape.watch(tensors)
            outputs, hidden, cell = layer(*tensors)
            total = tf.reduce_sum(outputs * factors) + tf.reduce_sum(hidden * cell)
        variables = [each.value for each in layer.trainable_variables]
        gradients = tape.gradient(total, [*tensors, *variables])
        rng = np.random.default_rng(8)
        for number, gradient in enumerate(gradients):
            direction = rng.normal(size=gradient.shape)
            ends = []
            for step in (1e-5, -1e-5):
                moved = list(point)
                moved[number] = moved[number] + step * direction
                ends.append(value(moved))
            # The third derivative times 1e-10, and rounding 1e-15 / 1e-5.
            slope = (ends[0] - ends[1]) / 2e-5
            expected = np.sum(gradient.numpy() * direction)
            self.assertAllClose(slope, expected, rtol=1e-6, atol=1e-7)

    def test_gradients_are_the_same_in_a_graph_and_under_xla(self):
        arguments, weights = _drawn(9, "float32")
        layer = _layer(weights, "float32")
        tensors = [tf.constant(each) for each in arguments]

        def gradients(*tensors):
            with tf.GradientTape() as tape:
                outputs, hidden, cell = layer(*tensors)
                total = tf.reduce_sum(outputs**2) + tf.reduce_sum(hidden * cell)
            return tape.gradient(total, [v.value for v in layer.trainable_variables])

        expected = gradients(*tensors)
        for jit in (None, True):
            found = tf.function(gradients, jit_compile=jit)(*tensors)
            for one, other in zip(found, expected, strict=True):
                self.assertAllClose(one, other, rtol=1e-4, atol=1e-5)

    def test_runs_may_stand_side_by_side(self):
        runs = [_drawn(seed) for seed in (10, 11, 12)]
        expected = [_layer(weights)(*arguments) for arguments, weights in runs]
        inputs, kernels = [], []
        for (own, *_), (kernel, recurrent_kernel, bias) in runs:
            inputs.append((own @ kernel + bias).transpose(1, 0, 2))
            kernels.append(recurrent_kernel)
        states = (np.stack([run[0][n] for run in runs]) for n in (1, 2))
        outputs, *last = lstm.recurrence(
            tf.constant(np.stack(inputs, axis=1)), np.stack(kernels), *states
        )
        for run, (of_run, hidden, cell) in enumerate(expected):
            own = tf.transpose(outputs[:, run], [1, 0, 2])
            for one, other in (
                (own, of_run),
                (last[0][run], hidden),
                (last[1][run], cell),
            ):
                self.assertAllClose(one, other, rtol=1e-13)

    def test_a_saved_layer_is_the_same(self):
        inputs = keras.Input((_LENGTH, _WIDTH))
        states = [keras.Input((_UNITS,)) for _ in range(2)]
        uniform = keras.initializers.RandomUniform(-0.5, 0.5, seed=3)
        outputs = layers.LSTM(_UNITS, uniform, uniform, uniform)(inputs, *states)
        model = keras.Model([inputs, *states], outputs)
        path = pathlib.Path(self.create_tempdir()) / "model.keras"
        model.save(path)
        loaded = keras.models.load_model(path)
        arguments, _ = _drawn(13, "float32")
        self.assertAllEqual(loaded(arguments)[0], model(arguments)[0])
        config = loaded.layers[-1].get_config()
        self.assertEqual(config, model.layers[-1].get_config())
        self.assertEqual(config["bias_initializer"]["config"]["maxval"], 0.5)


if __name__ == "__main__":
    tf.test.main()
