"""Tests of the sweep for the largest stable learning rate."""

import math
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, measures
from tests.measures import matrices, small_models


def quadratic(rng, num_weights=6):
    """Linear regression: its loss has the Hessian 2 X^T X / N."""
    inputs = rng.normal(size=(40, num_weights)) * np.linspace(0.3, 1.5, num_weights)
    layer = keras.layers.Dense(1, use_bias=False, dtype="float64")
    model = small_models.network((num_weights,), layer, dtype="float64")
    model.set_weights([rng.normal(size=(num_weights, 1))])
    targets = rng.normal(size=(40, 1))
    return model, (inputs, targets), 2 * inputs.T @ inputs / len(inputs)


class StableRateTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(21)

    def measure(self, model, data, momentum=0.0, **options):
        loss, l2 = small_models.squared_error, options.pop("l2", 0.0)
        hessian = measures.Hessian(model, loss, data, l2=l2)
        return measures.largest_stable_learning_rate(hessian, momentum, **options)

    @parameterized.parameters(0.0, 0.5, 0.9)
    def test_a_quadratic(self, momentum):
        model, data, hessian = quadratic(self.rng)
        before = model.get_weights()
        found = self.measure(model, data, momentum, num_steps=200, tolerance=0.02)
        critical = 2 * (1 + momentum) / np.linalg.eigvalsh(hessian)[-1]
        # The loss of the top direction grows by z^2 a step, with z the larger root in
        # `quadratic_descent`; after 200 steps it is e^6 times larger at |z| = 1.015,
        # which is a rate 1.015 times critical without momentum and less with it.
        self.assertBetween(found.value, 0.97 * critical, 1.03 * critical)
        self.assertBetween(found.upper, critical * 0.98, 1.05 * critical)
        self.assertLessEqual(found.upper, 1.02 * found.value)
        self.assertAllClose(found.predicted.value, critical, rtol=0.011)
        self.assertEqual((found.momentum, found.mode), (momentum, "inference"))
        self.assertEqual(found.stopped_because, "tolerance")
        self.assertAllEqual(model.get_weights()[0], before[0])

    def test_its_ends_are_what_descent_does(self):
        model, data, hessian = quadratic(self.rng)
        found = self.measure(model, data, 0.7, num_steps=30)
        minimum = np.linalg.lstsq(*data, rcond=None)[0]
        for rate, stable in ((found.value, True), (found.upper, False)):
            weights, accumulator = model.get_weights()[0], 0.0
            first = weights - minimum
            for _ in range(30):
                accumulator = 0.7 * accumulator - hessian @ (weights - minimum)
                weights = weights + rate * accumulator
            last = weights - minimum
            heights = [(w.T @ hessian @ w).item() for w in (first, last)]
            self.assertEqual(heights[1] <= heights[0], stable)

    def test_starts_from_a_prediction_that_is_far_off(self):
        # One logit of a binary loss, far on the wrong side: hardly any curvature.
        layer = keras.layers.Dense(1, use_bias=False, dtype="float64")
        model = small_models.network((1,), layer, dtype="float64")
        model.set_weights([np.array([[-6.0]])])
        inputs = np.array([[1.0], [1.0], [-0.5]])
        targets = np.array([[1.0], [1.0], [1.0]])
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        found = measures.largest_stable_learning_rate(
            measures.Hessian(model, loss, (inputs, targets))
        )
        self.assertTrue(math.isfinite(found.value))
        self.assertGreater(found.num_trials, 3)

    def test_a_penalty_counts(self):
        model, data, hessian = quadratic(self.rng)
        found = self.measure(model, data, l2=3.0, num_steps=200, tolerance=0.02)
        critical = 2 / (np.linalg.eigvalsh(hessian)[-1] + 3.0)
        self.assertBetween(found.value, 0.97 * critical, 1.04 * critical)

    def test_interrupted_it_keeps_the_bracket(self):
        model, data, _ = quadratic(self.rng)
        told = []

        def stop(progress):
            told.append(progress)
            if len(told) == 2:
                raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            self.measure(model, data, on_progress=stop)
        told.clear()
        found = self.measure(model, data, on_progress=stop, keep_partial=True)
        self.assertEqual((found.stopped_because, found.num_trials), ("interrupted", 2))
        whole = self.measure(model, data)
        self.assertLessEqual(found.value, whole.value)
        self.assertGreaterEqual(found.upper, whole.upper)

    def test_a_trial_that_blows_up_ends_early(self):
        model, data, _ = quadratic(self.rng)
        calls = []
        real = measures.Hessian.loss_and_gradient

        def counted(self, weights):
            calls.append(weights)
            return real(self, weights)

        with mock.patch.object(measures.Hessian, "loss_and_gradient", counted):
            found = self.measure(model, data, num_steps=400, tolerance=0.5)
        self.assertLess(len(calls), 400 * found.num_trials)

    @parameterized.parameters(
        ({"num_steps": 0}, "^num_steps=0"),
        ({"tolerance": 0.0}, "^tolerance=0.0"),
        ({"momentum": 1.0}, "^momentum=1.0"),
        ({"l2": -1.0}, "^l2=-1.0"),
    )
    def test_arguments_out_of_range(self, options, message):
        model, data, _ = quadratic(self.rng)
        with self.assertRaisesRegex(errors.UserError, message):
            self.measure(model, data, **options)

    def test_needs_a_hessian_in_inference_mode(self):
        model, data, matrix = quadratic(self.rng)
        loss = small_models.squared_error
        training = measures.Hessian(model, loss, data, training=True)
        for wrong, message in (
            (training, "^training=True: .*inference"),
            (model, "^hessian='Sequential': give measures.Hessian"),
            (matrices.Matrix(matrix), "^hessian='Matrix'"),
            (measures.GaussNewton(model, loss, data), "^hessian='GaussNewton'"),
        ):
            with self.assertRaisesRegex(errors.UserError, message):
                measures.largest_stable_learning_rate(wrong)


if __name__ == "__main__":
    tf.test.main()
