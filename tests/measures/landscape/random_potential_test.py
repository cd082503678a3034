"""Tests of the losses around a model's weights against exact ones and a slow twin."""

from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, measures
from bsgen.measures.landscape import random_potential
from tests.measures import small_models

_WIDE = {"dtype": "float64"}


def _regression(rng, size=3, num_examples=20):
    """A linear regression, its gradient and its exact Hessian, bias included."""
    model = small_models.network((size,), keras.layers.Dense(1, **_WIDE), **_WIDE)
    small_models.randomise(model, rng)
    inputs = rng.normal(size=(num_examples, size))
    targets = rng.normal(size=(num_examples, 1))
    columns = np.hstack([inputs, np.ones((num_examples, 1))])
    residuals = np.asarray(model(inputs)) - targets
    gradient = 2 / num_examples * (columns.T @ residuals)[:, 0]
    return model, (inputs, targets), gradient, 2 / num_examples * columns.T @ columns


def _directions(model, seed, count):
    """The directions that the measure draws, [count, P], of length 1."""
    size = sum(np.prod(v.shape) for v in model.trainable_variables)
    drawn = [
        tf.random.stateless_normal([size], [seed, i], dtype="float64", alg="philox")
        for i in range(count)
    ]
    return np.array([v / np.linalg.norm(v) for v in drawn])


def _softmax_loss(logits, labels):
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    return np.mean(log_sums - shifted[np.arange(len(labels)), labels])


class RandomPotentialTest(tf.test.TestCase, parameterized.TestCase):
    def test_a_quadratic_is_met_exactly(self):
        rng = np.random.default_rng(0)
        model, data, gradient, hessian = _regression(rng)
        before = model.get_weights()
        found = measures.random_potential(
            *(model, small_models.squared_error, data, 2.5),
            num_directions=70,
            seed=5,
            l2=0.4,
            batch_size=6,
        )
        weights = np.concatenate([np.ravel(v) for v in before])
        gradient, hessian = gradient + 0.4 * weights, hessian + 0.4 * np.eye(4)
        directions, z = _directions(model, 5, 70), found.distances
        expected = z * (directions @ gradient)
        expected += z**2 / 2 * np.einsum("ni,ij,nj->n", directions, hessian, directions)
        self.assertAllClose(found.differences, expected, rtol=1e-10, atol=1e-12)
        loss = np.mean((np.asarray(model(data[0])) - data[1]) ** 2)
        self.assertAllClose(found.initial_loss, loss + 0.2 * np.sum(weights**2))
        self.assertAllInRange(z, 0.0, 2.5)
        # The largest of 70 uniform draws; it is below 0.9 c with probability 0.0006.
        self.assertGreater(z.max(), 0.9 * 2.5)
        self.assertEqual(found.num_parameters, 4)
        self.assertEqual(found.stopped_because, "complete")
        self.assertEqual(found.mode, "inference")
        for old, new in zip(before, model.get_weights(), strict=True):
            self.assertAllEqual(old, new)

    def test_a_linear_loss_has_alpha_2(self):
        rng = np.random.default_rng(1)
        model, data, _, _ = _regression(rng, size=40)
        found = measures.random_potential(
            model, lambda targets, outputs: 3.0 * outputs, data, 4.0
        )
        slope = 3.0 * np.append(data[0].mean(axis=0), 1.0)
        # std = z |g| / sqrt(P) exactly; 1000 directions know log std to some 0.03.
        score = (found.exponent.value - 1) / found.spread.standard_error
        self.assertLess(abs(score), 3.5)
        self.assertLess(found.spread.standard_error, 0.03)
        self.assertAllClose(
            found.spread.at(2.0), 2.0 * np.linalg.norm(slope) / np.sqrt(41), rtol=0.1
        )
        self.assertEqual(found.value, 2 * found.exponent.value)
        self.assertEqual(found.standard_error, 2 * found.spread.standard_error)
        bins = found.binned(8)
        self.assertAllClose(bins.edges, np.linspace(0, 4, 9))
        law = bins.distances * np.linalg.norm(slope) / np.sqrt(41)
        self.assertAllLess(np.abs(bins.std - law) / bins.standard_error, 4.0)
        self.assertAllClose(bins.exponent, 1.0, atol=0.15)

    @parameterized.parameters("dense", "convolution", "batch_norm", "lstm")
    def test_every_place_is_the_model_there(self, kind):
        model, data = small_models.make(kind, np.random.default_rng(2))
        found = measures.random_potential(
            *(model, small_models.softmax, data, 3.0),
            num_directions=10,
            seed=7,
            running_statistics="keep",
            metrics={"accuracy": keras.metrics.sparse_categorical_accuracy},
            batch_size=4,
        )
        twin = keras.models.clone_model(model)
        for row, direction in enumerate(_directions(model, 7, 10)):
            twin.set_weights(model.get_weights())
            for variable in twin.trainable_variables:
                part, direction = np.split(direction, [np.prod(variable.shape)])
                move = found.distances[row] * part.reshape(variable.shape)
                variable.assign(variable.numpy() + move)
            logits = np.asarray(twin(data[0], training=False))
            loss = _softmax_loss(logits, data[1])
            self.assertAllClose(
                found.initial_loss + found.differences[row], loss, rtol=1e-11
            )
            accuracy = np.mean(logits.argmax(axis=1) == data[1])
            self.assertAllClose(found.metrics["accuracy"][row], accuracy)

    def test_by_default_batch_norm_has_the_statistics_of_the_data_there(self):
        rng = np.random.default_rng(3)
        model = small_models.network(
            (3,),
            *(keras.layers.Dense(4, **_WIDE), keras.layers.BatchNormalization(**_WIDE)),
            *(keras.layers.ReLU(**_WIDE), keras.layers.Dense(3, **_WIDE)),
            **_WIDE,
        )
        small_models.randomise(model, rng)
        data = rng.normal(size=(12, 3)), rng.integers(0, 3, size=12)
        options = {"num_directions": 12, "seed": 4}
        arguments = model, small_models.softmax, data, 2.0
        found = measures.random_potential(*arguments, **options)
        self.assertEqual(found.running_statistics, "reestimate")
        # All data are one batch: the loss is that of training mode.
        twin = keras.models.clone_model(model)
        for row, direction in enumerate(_directions(model, 4, 12)):
            twin.set_weights(model.get_weights())
            for variable in twin.trainable_variables:
                part, direction = np.split(direction, [np.prod(variable.shape)])
                move = found.distances[row] * part.reshape(variable.shape)
                variable.assign(variable.numpy() + move)
            loss = _softmax_loss(np.asarray(twin(data[0], training=True)), data[1])
            self.assertAllClose(
                found.initial_loss + found.differences[row], loss, rtol=1e-10
            )
        kept = measures.random_potential(
            *arguments, running_statistics="keep", **options
        )
        self.assertGreater(np.abs(kept.differences - found.differences).max(), 1e-3)

    def test_takes_data_of_all_forms_and_any_number_at_once(self):
        model, (inputs, labels) = small_models.make(
            "batch_norm", np.random.default_rng(5)
        )
        weights = np.random.default_rng(6).uniform(0.5, 2, len(labels))
        arguments = model, small_models.softmax
        found = measures.random_potential(
            *arguments, (inputs, labels, weights), 1.0, num_directions=20, batch_size=4
        )
        dataset = tf.data.Dataset.from_tensor_slices((inputs, labels, weights)).batch(4)
        with mock.patch.object(random_potential, "_MAX_DIRECTIONS", 3):
            other = measures.random_potential(
                *arguments, dataset, 1.0, num_directions=20
            )
        self.assertAllClose(other.differences, found.differences, rtol=1e-12)
        by_class = {0: 2.0, 2: 0.5}
        weighted = measures.class_weighted((inputs, labels), by_class)
        own = np.array([2.0, 1.0, 0.5])[labels]
        kept = {"running_statistics": "keep", "num_directions": 10}
        first, second = (
            measures.random_potential(*arguments, data, 1.0, **kept)
            for data in (weighted, (inputs, labels, own))
        )
        self.assertAllClose(first.differences, second.differences, rtol=1e-6)
        self.assertGreater(
            np.abs(first.differences - found.differences[:10]).max(), 1e-4
        )

    def test_a_smaller_ball_has_the_same_directions(self):
        model, data, _, _ = _regression(np.random.default_rng(7))
        arguments = model, small_models.squared_error, data
        one, half = (
            measures.random_potential(*arguments, c, num_directions=30)
            for c in (2.0, 1.0)
        )
        self.assertAllClose(half.distances, one.distances / 2)
        other = measures.random_potential(*arguments, 2.0, num_directions=30, seed=1)
        self.assertGreater(np.abs(other.differences - one.differences).min(), 0.0)

    def test_rejects(self):
        model, data, _, _ = _regression(np.random.default_rng(8))
        arguments = model, small_models.squared_error, data
        for pattern, reach, options in (
            ("max_distance=0.0: give a number above 0", 0, {}),
            ("max_distance=-1", -1, {}),
            (
                "num_directions=9: give an integer of at least 10",
                1,
                {"num_directions": 9},
            ),
            ("seed=-1", 1, {"seed": -1}),
            ("running_statistics='none'", 1, {"running_statistics": "none"}),
        ):
            with self.assertRaisesRegex(errors.UserError, pattern):
                measures.random_potential(*arguments, reach, **options)
        with self.assertRaisesRegex(
            errors.UserError, "differences=0.0: the loss is the"
        ):
            measures.random_potential(
                model, lambda targets, outputs: 0.0 * outputs, data, 1.0
            )

        def overflowing(targets, outputs):
            return outputs / tf.cast(tf.abs(outputs) < 20, outputs.dtype)

        with self.assertRaisesRegex(
            errors.UserError, "max_distance=1000.*at a distance"
        ):
            measures.random_potential(model, overflowing, data, 1000.0)
        model.trainable_variables[0].assign(1e3 * np.ones((3, 1)))
        with self.assertRaisesRegex(errors.UserError, "model=.*loss is .* at its own"):
            measures.random_potential(model, overflowing, data, 1.0)
        model.trainable_variables[0].assign(np.nan * np.ones((3, 1)))
        with self.assertRaisesRegex(errors.UserError, "model=.*not finite"):
            measures.random_potential(*arguments, 1.0)


if __name__ == "__main__":
    tf.test.main()
