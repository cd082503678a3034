"""Tests of `advise` on models: linear regression by hand, forms of data, mistakes."""

import math

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import advice as room
from bsgen import errors, layers
from bsgen.advice import measuring
from bsgen.optimizers import Momentum

_SETTING = {"batch_size": 4, "learning_rate": 0.01, "target_batch_size": 16}
_QUIET = {**_SETTING, "progress": False}


def _linear_model(optimizer=None):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    if optimizer is not None:
        model.compile(optimizer, "mse")
    return model


def _data(count=40, seed=0):
    draw = np.random.default_rng(seed)
    inputs = draw.normal(size=(count, 3)).astype(np.float32)
    targets = inputs @ np.array([[1.0], [-2.0], [0.5]]) + draw.normal(size=(count, 1))
    return inputs, targets.astype(np.float32)


class LinearRegressionTest(tf.test.TestCase):
    """Mean squared error |Xw - y|^2 / n: Hessian (2/n) X^T X, gradients by hand."""

    def test_numbers_by_hand(self):
        inputs, targets = _data()
        model = _linear_model()
        found = room.advise(model, "mse", (inputs, targets), momentum=0.5, **_QUIET)
        (weights,) = model.get_weights()
        gradients = 2 * inputs * (inputs @ weights - targets)
        trace = np.trace(np.cov(gradients.T))
        squared = np.sum(gradients.mean(0) ** 2) - trace / len(inputs)
        top = np.linalg.eigvalsh(2 * inputs.T @ inputs / len(inputs))[-1]
        numbers = found.numbers
        if squared > 0:
            # Float32 gradients; the ratio of two sums of 40 terms.
            scale = numbers["gradient_noise_scale"]
            self.assertAllClose(scale, trace / squared, rtol=1e-3)
        # The eigenvalue is found to 5 %.
        self.assertAllClose(numbers["critical_learning_rate"], 2 * 1.5 / top, rtol=0.05)
        self.assertEqual(numbers["train_size"], 40)
        self.assertEqual(numbers["num_examples"], 40)

    def test_momentum_is_the_optimizers_and_weights_stay(self):
        model = _linear_model(Momentum(0.01, 0.9))
        before = model.get_weights()
        data = _data()
        self.assertEqual(
            room.advise(model, None, data, **_QUIET).numbers["momentum"], 0.9
        )
        given = room.advise(model, None, data, momentum=0.0, **_QUIET)
        self.assertEqual(given.numbers["momentum"], 0.0)
        self.assertAllEqual(model.get_weights()[0], before[0])

    def test_initial_weights_and_other_optimizers_are_said(self):
        model = _linear_model(keras.optimizers.Adam(0.01))
        said = room.advise(model, None, _data(), **_QUIET)["caution"].text
        self.assertIn("initial ones", said)
        self.assertIn("Adam", said)
        model.fit(*_data(), epochs=1, verbose=0)
        said = room.advise(model, None, _data(), **_QUIET)["caution"].text
        self.assertNotIn("initial ones", said)


class DataTest(parameterized.TestCase, tf.test.TestCase):
    def test_few_are_drawn_of_many(self):
        said = room.advise(lambda: _linear_model(), "mse", _data(), max_examples=9,
                           train_size=1000, **_QUIET)  # fmt: skip
        self.assertEqual(said.numbers["num_examples"], 9)
        self.assertEqual(said.numbers["train_size"], 1000)

    def test_progress_is_told(self):
        told = []
        room.advise(_linear_model(), "mse", _data(),
                    on_progress=lambda *one: told.append(one), **_SETTING)  # fmt: skip
        names = dict.fromkeys(name for name, _ in told)
        self.assertEqual([*names], ["gradient noise scale", "largest eigenvalue"])


class NormalizationTest(parameterized.TestCase, tf.test.TestCase):
    @parameterized.parameters(
        (keras.layers.LayerNormalization, "none", None),
        (keras.layers.BatchNormalization, "batch", None),
        (layers.BatchNormalization, "batch", None),
        (lambda: layers.GhostBatchNormalization(8), "ghost", 8),
    )
    def test_is_found_in_nested_models(self, layer, kind, size):
        inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), layer()])
        model = keras.Sequential([keras.Input((3,)), inner, keras.layers.Dense(1)])
        self.assertEqual(measuring.normalization(model), (kind, size))
        said = room.advise(model, "mse", _data(), **_QUIET)
        self.assertEqual("ghosts" in [one.topic for one in said.sentences],
                         kind != "none")  # fmt: skip
        if kind != "none":
            self.assertIn("inference mode", said["caution"].text)


class MistakesTest(parameterized.TestCase, tf.test.TestCase):
    def refused(self, message, model=None, loss="mse", data=None, **changes):
        with self.assertRaisesRegex(errors.UserError, message) as caught:
            room.advise(
                model or _linear_model(),
                loss,
                _data() if data is None else data,
                **{**_QUIET, **changes},
            )
        self.assertNotIn("\n", str(caught.exception))

    def test_settings(self):
        self.refused("target_batch_size=0", target_batch_size=0)
        self.refused("batch_size=41: there are 40 training examples", batch_size=41)
        self.refused("learning_rate=-0.1", learning_rate=-0.1)
        self.refused("max_examples=2", max_examples=2)
        self.refused("momentum=1.5", momentum=1.5)
        self.refused("option='momentun': unknown; did you mean 'mom", momentun=0.9)

    def test_models(self):
        without = keras.Sequential([keras.Input((3,)), keras.layers.Flatten()])
        self.refused("it has no trainable weights", without)
        self.refused("give a Keras model", lambda: 3)
        self.refused("is called without arguments", lambda x: x)
        self.refused("loss=None: give a loss", loss=None)

    def test_values_that_are_not_finite(self):
        model = _linear_model()
        model.set_weights([np.full((3, 1), math.nan)])
        self.refused("not finite|NaN", model)
        inputs, targets = _data()
        inputs[3] = math.nan
        self.refused("NaN", data=(inputs, targets))

    def test_loss_that_is_a_sum(self):
        loss = keras.losses.MeanSquaredError(reduction="sum")
        self.refused("it is a sum over the batch", loss=loss)

    def test_data(self):
        self.refused("data", data=3)
        self.refused("data", data=tf.data.Dataset.from_tensor_slices(_data()).take(0))


if __name__ == "__main__":
    tf.test.main()
