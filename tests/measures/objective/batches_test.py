"""Tests of the forms in which data can be given, and of data that do not fit."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, measures
from bsgen.measures.objective import batches
from tests.measures import keras_losses

_SIZE = 9


def _two_inputs(form):
    """A model of two inputs, which are a list, a tuple or a dictionary."""
    first, second = keras.Input((2,), name="first"), keras.Input((3,), name="second")
    output = keras.layers.Dense(1)(keras.layers.Concatenate()([first, second]))
    inputs = {"first": first, "second": second}
    model = keras.Model(inputs if form is dict else form(inputs.values()), output)
    model.compile("sgd", "mse")
    return model


def _more_columns(inputs, targets):
    return inputs[:, [0, 1, 2, 0, 1]], targets


def _more_targets(inputs, targets):
    return inputs, np.tile(targets[:, np.newaxis], 7)


def _nan_inputs(inputs, targets):
    return np.where(np.arange(11)[:, np.newaxis] == 4, np.nan, inputs), targets


def _infinite_targets(inputs, targets):
    return inputs, np.where(np.arange(11) == 2, np.inf, targets)


class FormsTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(7)

    @parameterized.parameters(list, tuple, dict)
    def test_several_inputs(self, form):
        parts = {
            "first": self.rng.normal(size=(_SIZE, 2)).astype(np.float32),
            "second": self.rng.normal(size=(_SIZE, 3)).astype(np.float32),
        }
        targets, weights = self.rng.normal(size=_SIZE), self.rng.uniform(size=_SIZE)
        given = parts if form is dict else form(parts.values())
        model = _two_inputs(form)
        padded = np.hstack([*parts.values(), np.ones((_SIZE, 1))])
        for data, factors in (
            ([given, targets], np.ones(_SIZE)),
            ((given, targets, None), np.ones(_SIZE)),
            ((given, targets, weights), weights),
        ):
            found = measures.Hessian(model, None, data).dense()
            expected = 2 * padded.T @ (factors[:, np.newaxis] * padded) / _SIZE
            self.assertAllClose(found, expected, rtol=1e-5, atol=1e-5)

    def test_single_examples_are_cut_into_batches(self):
        model, arrays = keras_losses.make("weights", self.rng)
        dataset = tf.data.Dataset.from_tensor_slices(arrays)
        sizes = [len(part[0]) for part in batches.Batches(dataset, 4, model)]
        self.assertEqual(sizes, [4, 4, 3])

    def test_numpy_numbers_as_arguments(self):
        model, data = keras_losses.make("own", self.rng)
        found, expected = (
            measures.top_eigenvalue(
                measures.Hessian(
                    model,
                    None,
                    data,
                    l2=as_given(np.float64(0.5)),
                    batch_size=as_given(np.int32(4)),
                ),
                tolerance=as_given(np.float32(0.01)),
                max_products=as_given(np.int64(20)),
                seed=as_given(np.int64(1)),
            )
            for as_given in (lambda number: number, lambda number: number.item())
        )
        self.assertEqual(found.value, expected.value)


class MisfitsTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(8)

    def refuses(self, message, name, change):
        model, data = keras_losses.make(name, self.rng)
        measure = (
            lambda *arguments: measures.top_eigenvalue(measures.Hessian(*arguments)),
            measures.gradient_noise_scale,
            lambda *arguments: measures.Hessian(*arguments).dense(),
            lambda *arguments: measures.loss_along_line(*arguments, model, model, [0]),
        )
        for take in measure:
            with self.assertRaisesRegex(errors.UserError, message) as caught:
                take(model, None, change(*data))
            self.assertNotIn("\n", str(caught.exception))
            self.assertLess(len(str(caught.exception)), 400)

    @parameterized.named_parameters(
        ("inputs", r"inputs \(11, 5\).*cannot take it", "own", _more_columns),
        ("targets", r"targets \(11, 7\).*cannot take it", "binary", _more_targets),
        ("missing_output", "data=", "lists", lambda x, y, w: (x, y[0])),
        ("class_too_high", "data=", "by_shape_sparse", lambda x, y: (x, y + 3)),
        ("lengths", r"differ in length: \[10, 11\]", "own", lambda x, y: (x, y[:10])),
        ("strings", "cannot take it", "own", lambda x, y: (x.astype(str), y)),
        ("number", "data targets=3.0: give numbers", "own", lambda x, y: (x, 3.0)),
        (
            "no_targets",
            "data targets=None: give numbers",
            "own",
            lambda x, y: (x, None),
        ),
        ("inputs_alone", r"give \(inputs, targets\)", "own", lambda x, y: x),
        ("nan_inputs", "'inputs': 3 of their .* NaN", "own", _nan_inputs),
        ("infinite_targets", "'targets': 1 of", "own", _infinite_targets),
    )
    def test_in_one_line(self, message, name, change):
        self.refuses(message, name, change)

    def test_a_loss_that_passes_over_missing_targets(self):
        def own(targets, outputs):
            known = tf.math.is_finite(targets)
            return tf.where(known, targets - outputs, 0.0) ** 2

        model, (inputs, targets) = keras_losses.make("own", self.rng)
        targets[3] = np.nan
        found = measures.Hessian(model, own, (inputs, targets)).dense()
        self.assertAllEqual(np.isfinite(found), np.ones_like(found, bool))


if __name__ == "__main__":
    tf.test.main()
