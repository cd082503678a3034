"""Tests of the alignment of two matrices, from products with probes."""

import math

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, measures
from tests.measures import matrices, small_models
from tests.measures.operators.gradient_covariance_test import covariance


def exact(first, second):
    """Alignment, scale and distance of two matrices."""
    norms = np.linalg.norm(first), np.linalg.norm(second)
    mixed = np.trace(first @ second)
    distance = np.linalg.norm(first - second) / norms[1]
    return mixed / (norms[0] * norms[1]), mixed / norms[1] ** 2, distance


class NoiseAlignmentTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(7)
        root = self.rng.normal(size=(30, 30))
        self.first = matrices.MATRICES["spread"] + 0.1 * root @ root.T
        self.second = matrices.with_spectrum(self.rng.normal(size=30), seed=3)
        self.second += 0.5 * matrices.MATRICES["spread"]

    def measure(self, first, second, **options):
        return measures.noise_alignment(
            matrices.Matrix(second), matrices.Matrix(first), **options
        )

    def test_standard_errors_cover_the_truth(self):
        options = {"standard_error": 0.0, "max_products": 80}
        found = [
            self.measure(self.first, self.second, seed=seed, **options)
            for seed in range(matrices.NUM_SEEDS)
        ]
        truths = exact(self.first, self.second)
        names = ("value", "scale", "distance")
        for name, truth in zip(names, truths, strict=True):
            prefix = "" if name == "value" else f"{name}_"
            errors_of = [getattr(f, f"{prefix}standard_error") for f in found]
            values = np.array([getattr(f, name) for f in found])
            ratios = np.abs(values - truth) / errors_of
            # As in `matrices.assert_calibrated`; a ratio of means has a bias besides,
            # of the order of its squared standard error.
            self.assertBetween(np.mean(ratios <= 1), 0.677 - 0.12, 0.677 + 0.12)
            self.assertBetween(np.mean(ratios <= 2), 0.948 - 0.07, 1.0)
            bias = 3 * np.std(values) / math.sqrt(len(values)) + np.var(values)
            self.assertLess(abs(values.mean() - truth), bias)

    @parameterized.parameters(1.0, 0.2, 5.0)
    def test_a_multiple_is_aligned_whatever_the_probes(self, scale):
        found = self.measure(scale * self.second, self.second, max_products=4)
        self.assertAllClose(found.value, 1.0, rtol=1e-14)
        self.assertAllClose(found.scale, scale, rtol=1e-14)
        self.assertAllClose(found.distance, abs(scale - 1), rtol=1e-6, atol=1e-7)
        self.assertLess(found.standard_error, 1e-12)
        self.assertEqual(found.num_products, 4)

    def test_opposite_and_zero(self):
        self.assertAllClose(self.measure(-self.first, self.first).value, -1.0)
        found = self.measure(self.first, np.zeros_like(self.first), max_products=20)
        self.assertTrue(math.isnan(found.value))
        self.assertEqual(found.stopped_because, "max_products")

    def test_stops_at_the_standard_error(self):
        options = {"standard_error": 0.03, "max_products": 10_000}
        found = self.measure(self.first, self.second, **options)
        self.assertEqual(found.stopped_because, "tolerance")
        self.assertLessEqual(found.standard_error, 0.03)
        before = self.measure(
            self.first,
            self.second,
            standard_error=0.0,
            max_products=found.num_products - 2,
        )
        self.assertGreater(before.standard_error, 0.03)

    def test_interrupted_it_keeps_what_it_knows(self):
        second = matrices.Matrix(self.second, interrupt_at=3)
        told = []
        found = measures.noise_alignment(
            second,
            matrices.Matrix(self.first),
            on_progress=told.append,
            keep_partial=True,
        )
        expected = self.measure(self.first, self.second, max_products=6)
        self.assertEqual(found.stopped_because, "interrupted")
        self.assertEqual((found.value, found.num_products), (expected.value, 6))
        self.assertEqual([p.num_products for p in told], [2, 4, 6])
        for interrupt_at, keep_partial in ((0, True), (3, False)):
            second = matrices.Matrix(self.second, interrupt_at)
            with self.assertRaises(KeyboardInterrupt):
                measures.noise_alignment(
                    second, matrices.Matrix(self.first), keep_partial=keep_partial
                )

    def test_a_network(self):
        model, data = small_models.make("dense", self.rng, num_examples=17)
        loss = small_models.softmax
        found = measures.noise_alignment(
            measures.Hessian(model, loss, data, batch_size=5),
            measures.GradientCovariance(model, loss, data, batch_size=5),
            standard_error=0.0,
            max_products=1200,
        )
        truths = exact(
            covariance(model, *data), measures.Hessian(model, loss, data).dense()
        )
        for name, truth in zip(("value", "scale", "distance"), truths, strict=True):
            prefix = "" if name == "value" else f"{name}_"
            error = getattr(found, f"{prefix}standard_error")
            self.assertAllClose(getattr(found, name), truth, rtol=0, atol=4 * error)
        self.assertEqual(found.mode, "inference")

    def test_a_model_that_is_right_has_equal_matrices(self):
        # Logistic regression with labels drawn from the model: both are the Fisher
        # information, up to the sampling of N examples.
        inputs = self.rng.normal(size=(40_000, 2))
        layer = keras.layers.Dense(1, use_bias=False, dtype="float64")
        model = small_models.network((2,), layer, dtype="float64")
        logits = (inputs @ model.get_weights()[0]).ravel()
        chance = 1 / (1 + np.exp(-logits))
        targets = (self.rng.uniform(size=len(inputs)) < chance).astype(float)[:, None]
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        arguments = model, loss, (inputs, targets)
        found = measures.noise_alignment(
            measures.Hessian(*arguments, batch_size=10_000),
            measures.GradientCovariance(*arguments, batch_size=10_000),
        )
        # Entries are means of 40,000 terms, so off by about 1 / 200 of their size.
        self.assertAllClose(found.value, 1.0, atol=0.01)
        self.assertAllClose(found.scale, 1.0, atol=0.03)
        self.assertAllClose(found.distance, 0.0, atol=0.04)

    @parameterized.parameters(
        ({"standard_error": -0.1}, "^standard_error=-0.1"),
        ({"max_products": 1}, "^max_products=1"),
    )
    def test_arguments_out_of_range(self, options, message):
        with self.assertRaisesRegex(errors.UserError, message):
            self.measure(self.first, self.second, **options)


if __name__ == "__main__":
    tf.test.main()
