"""Tests of the compiled program against NumPy on the model's own outputs."""

from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, models
from bsgen.measures.operators import shared_products
from bsgen.training.ensemble import (
    stacked_data,
    stacked_evaluation,
    stacked_program,
)
from tests.measures import layer_zoo


def _state(weights):
    """The state of stacked weights before the first step, without statistics."""
    weights = [tf.constant(weight) for weight in weights]
    return stacked_data.State(weights, [tf.zeros_like(w) for w in weights], [], [])


class EvaluateTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(0)
        self.inputs = rng.integers(0, 255, size=(50, 4, 3)).astype(np.uint8)
        self.labels = rng.integers(5, size=50)
        self.model = keras.Sequential(
            [
                keras.Input((4, 3)),
                keras.layers.Flatten(),
                keras.layers.Dense(6, "tanh"),
                keras.layers.Dense(5),
            ]
        )
        shapes = [weight.shape for weight in self.model.trainable_variables]
        self.weights = [rng.normal(size=(3, *s)).astype(np.float32) for s in shapes]
        self.offset = rng.normal(100, 30, size=(3, 4, 3)).astype(np.float32)
        self.scale = rng.uniform(0.005, 0.02, size=(3, 1, 1)).astype(np.float32)
        # Runs differ in the number of their examples, the last one has a single one.
        self.positions = [rng.permutation(50)[:23], np.arange(50), np.array([7])]
        self.settings = stacked_data.Settings(
            *[tf.zeros(3)] * 2,
            tf.constant(self.offset),
            tf.constant(self.scale),
            fill=tf.zeros((3, 1)),
            draw_seeds=[],
        )
        self.program = stacked_program.Program(self.model, self.inputs, self.labels)

    @parameterized.parameters(1, 5, 23, 2048)
    def test_equals_numpy(self, slice_size):
        with mock.patch.object(stacked_evaluation, "_SLICE", slice_size):
            cross_entropy, accuracy = self.program.evaluate(
                _state(self.weights), self.settings, self.positions
            )
        for run, chosen in enumerate(self.positions):
            self.model.set_weights([weight[run] for weight in self.weights])
            scaled = (self.inputs[chosen] - self.offset[run]) * self.scale[run]
            logits = self.model(scaled).numpy().astype(np.float64)
            own = logits[np.arange(len(chosen)), self.labels[chosen]]
            expected = np.mean(np.log(np.exp(logits).sum(1)) - own)
            # float32 logits of order 10.
            self.assertAllClose(cross_entropy[run], expected, rtol=0, atol=1e-5)
            correct = np.mean(logits.argmax(1) == self.labels[chosen])
            self.assertAllClose(accuracy[run], correct, rtol=0, atol=1e-12)

    def test_a_run_that_is_not_finite_is_never_correct_and_harms_no_other(self):
        state = _state(self.weights)
        expected = self.program.evaluate(state, self.settings, self.positions)
        weights = [weight.copy() for weight in self.weights]
        for weight in weights:
            weight[0] = np.nan
        found = self.program.evaluate(_state(weights), self.settings, self.positions)
        self.assertTrue(np.isnan(found[0][0]))
        self.assertEqual(found[1][0], 0)
        for one, other in zip(found, expected, strict=True):
            self.assertAllEqual(one[1:], other[1:])


class TakeStepsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(False, True)
    def test_by_hand(self, takes_all):
        # One weight vector without bias and one logit: loss ln(1 + exp(-+ w x)).
        inputs = np.array([[1.0, 0.0], [0.0, 2.0], [-1.0, 1.0]], np.float32)
        labels = np.array([1, 0, 1])
        model = keras.Sequential(
            [keras.Input((2,)), keras.layers.Dense(1, use_bias=False)]
        )
        built = stacked_program.Program(
            model, inputs, labels, nesterov=True, on_gpu=takes_all
        )
        start = np.array([[[0.5], [-0.5]], [[0.1], [0.2]]], np.float32)  # [R=2, 2, 1]
        momenta, l2 = np.array([0.9, 0.0]), np.array([0.0, 0.1])
        columns = (momenta, l2, np.zeros((2, 2)), np.ones((2, 1)), np.zeros((2, 1)))
        settings = stacked_data.Settings(
            *(tf.constant(c, tf.float32) for c in columns), draw_seeds=[]
        )
        # [K=4, R, B=2], of which three steps are taken.
        positions = np.array(
            [[[0, 1], [2, 2]], [[1, 2], [0, 1]], [[2, 0], [1, 0]], [[0, 0], [0, 0]]]
        )
        rates = np.array([[0.5, 2.0], [0.25, 1.0], [0.5, 1.0], [9.0, 9.0]])
        bounds = np.array([[np.inf, 0.3], [0.1, np.inf], [np.inf, 0.3], [1.0, 1.0]])
        batches = stacked_data.Batches(
            tf.constant(positions, tf.int32),
            *(tf.constant(each, tf.float32) for each in (rates, bounds)),
        )
        state, finite = built.take_steps(_state([start]), settings, batches, 3, 0)
        self.assertAllEqual(finite, [True, True])
        for run in range(2):
            weight, accumulator = start[run, :, 0].astype(float), np.zeros(2)
            for step in range(3):
                x, y = (each[positions[step, run]] for each in (inputs, labels))
                gradient = x.T @ (1 / (1 + np.exp(-x @ weight)) - y) / 2
                gradient *= min(1, bounds[step, run] / np.linalg.norm(gradient))
                gradient += l2[run] * weight
                accumulator = momenta[run] * accumulator - gradient
                weight += rates[step, run] * (momenta[run] * accumulator - gradient)
            # Three steps in float32 on numbers of order 1.
            self.assertAllClose(state.weights[0][run, :, 0], weight, rtol=0, atol=1e-6)
            self.assertAllClose(
                state.accumulators[0][run, :, 0], accumulator, rtol=0, atol=1e-6
            )


class VectorizedTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(1, 3)
    def test_products_over_more_axes_than_a_dense_layer_has(self, num_runs):
        # Runs of one example: [R, 1, 6, 4] times a weight, which oneDNN would get wrong
        # if all runs shared it.
        rng = np.random.default_rng(num_runs)
        model, inputs, labels = layer_zoo.make("einsum", rng, 20)
        weights = [
            rng.normal(scale=0.5, size=(num_runs, *w.shape)).astype("float32")
            for w in model.trainable_variables
        ]
        settings = stacked_data.Settings(
            *[tf.zeros([num_runs])] * 2,
            tf.zeros([num_runs, 6, 4]),
            tf.ones([num_runs, 1, 1]),
            fill=tf.zeros([num_runs, 1]),
            draw_seeds=[],
        )
        built = stacked_program.Program(model, inputs, labels)
        state = _state(weights)
        chosen = rng.integers(20, size=(num_runs, 1))
        losses, _ = built.evaluate(state, settings, list(chosen))
        batches = stacked_data.Batches(
            tf.constant(chosen[np.newaxis], tf.int32), tf.fill([1, num_runs], 0.5)
        )
        new, _ = built.take_steps(state, settings, batches, 1, 0)
        for run, (place,) in enumerate(chosen):
            model.set_weights([weight[run] for weight in weights])
            variables = model.trainable_variables
            with tf.GradientTape() as tape:
                logits = model(inputs[place : place + 1])
                loss = models.cross_entropy(labels[place : place + 1], logits)[0]
            # float32 on numbers of order 1.
            self.assertAllClose(losses[run], loss, rtol=0, atol=1e-5)
            gradients = tape.gradient(loss, variables)
            for found, weight, g in zip(new.weights, weights, gradients, strict=True):
                self.assertAllClose(
                    found[run], weight[run] - 0.5 * g, rtol=0, atol=1e-5
                )

    @parameterized.parameters(
        "mlp", "logistic_regression", "normalized_mlp", "f1", "c1"
    )
    def test_networks_have_no_product_that_onednn_gets_wrong(self, name):
        takes = models.takes(config.ModelConfig(name))
        choices = {"normalization": "none", "dropout": 0.0}
        choices = {field: choices[field] for field in choices if field in takes}
        model = models.build(config.ModelConfig(name, **choices), (8, 8, 1), 3)
        built = stacked_program.Program(
            model, np.zeros((2, 8, 8, 1), np.uint8), np.zeros(2, np.int32)
        )
        for num_runs in (1, 2):
            weights = [
                tf.TensorSpec([num_runs, *w.shape]) for w in model.trainable_variables
            ]
            settings = stacked_data.Settings(
                *[tf.TensorSpec([num_runs])] * 2,
                tf.TensorSpec([num_runs, 8, 8, 1]),
                tf.TensorSpec([num_runs, 1, 1, 1]),
                fill=tf.TensorSpec([num_runs, 1]),
                draw_seeds=[],
            )
            positions = tf.TensorSpec([num_runs, 1], tf.int32)
            traced = built._evaluation._measure.get_concrete_function(
                (weights, [], []), settings, positions
            )
            self.assertEqual(shared_products.sources(traced, len(weights)), set())


if __name__ == "__main__":
    tf.test.main()
