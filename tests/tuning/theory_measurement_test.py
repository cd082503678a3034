"""Tests of the measured numbers that guide a search."""

import dataclasses
import math
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from bsgen import config, errors, measures, tuning
from bsgen.tuning import theory_measurement
from bsgen.tuning.procedures import theory_inputs
from bsgen.tuning.trainers import examples, protocol
from tests.tuning import surface as surfaces

_LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def blobs(size, seed=0):
    """Three classes in four dimensions that overlap a little."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, size)
    inputs = rng.normal(size=(size, 4)) + 2 * np.eye(4)[labels]
    return inputs.astype("float32"), labels.astype("int32")


def build(seed=0):
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3)]
    return keras.Sequential(layers)


def subject(size=100, **options):
    data = examples.examples("train_data", blobs(size))
    return protocol.Subject(build(), _LOSS, data, **options)


class TheoryInputsTest(tf.test.TestCase):
    def test_points_are_those_of_the_measures(self):
        one = subject()
        start = build()
        noise = measures.gradient_noise_scale(start, _LOSS, blobs(100))
        found = theory_measurement.measure(one, momentum=0.5)
        self.assertAllClose(found.points[0].noise_scale, noise.value, rtol=1e-4)
        critical = measures.critical_learning_rate(
            measures.Hessian(start, _LOSS, blobs(100)), 0.5
        )
        # The eigenvalue is known to a tenth, one-sidedly to far less.
        self.assertAllClose(
            found.points[0].critical_learning_rate, critical.value, rtol=0.1
        )
        # All examples were measured, so that none are left to refine it with.
        end = measures.gradient_noise_scale(one.model, _LOSS, blobs(100))
        self.assertAllClose(found.points[-1].noise_scale, end.value, rtol=1e-4)
        self.assertNotAllClose(end.value, noise.value, rtol=0.1)

    def test_the_loss_is_the_one_that_the_model_is_compiled_with(self):
        inputs, labels = blobs(100)
        weights = np.linspace(0.5, 2.0, 100)
        data = examples.examples("train_data", (inputs, labels, weights))
        model = build()
        model.compile("adam", _LOSS, loss_weights=3.0)
        found = theory_measurement.measure(
            protocol.Subject(model, None, data), num_passes=1
        )
        noise = measures.gradient_noise_scale(
            build(), _LOSS, (inputs, labels, weights), loss_weights=3.0
        )
        self.assertAllClose(found.points[0].noise_scale, noise.value, rtol=1e-4)
        self.assertNotAllClose(
            noise.value,
            measures.gradient_noise_scale(build(), _LOSS, (inputs, labels)).value,
            rtol=1e-2,
        )

    def test_a_summed_loss_is_refused(self):
        summed = keras.losses.SparseCategoricalCrossentropy(True, reduction="sum")
        # A function cannot say that it is one.
        for loss in (summed, lambda labels, logits: summed(labels, logits)):
            one = dataclasses.replace(subject(), loss=loss)
            with self.assertRaisesRegex(errors.UserError, "sum over the batch"):
                theory_measurement.measure(one)

    def test_what_it_takes_is_counted(self):
        found = theory_measurement.measure(subject(), num_passes=3)
        self.assertEqual((found.batch_size, found.num_steps), (10, 30))
        self.assertEqual([p.num_steps for p in found.points], [0, 10, 20, 30])
        # Three passes of training; at four points the mean gradient, one of each
        # example and at least one product.
        self.assertGreaterEqual(found.num_examples, 100 * (3 + 4 * (2 + 2)))
        few = theory_measurement.measure(subject(), num_passes=3, min_examples=50)
        self.assertLess(few.num_examples, found.num_examples)

    def test_the_last_noise_scale_takes_the_examples_that_it_needs(self):
        numbers = {"num_passes": 1, "min_examples": 40}
        rough = theory_measurement.measure(subject(400), precision=9.0, **numbers)
        last = rough.points[-1]
        relative = last.noise_scale_error / last.noise_scale
        size = math.ceil(40 * (relative / 0.35) ** 2)
        self.assertBetween(size, 41, 200)  # more than the few, fewer than all
        fine = theory_measurement.measure(subject(400), precision=0.35, **numbers)
        end = fine.points[-1]
        self.assertLess(end.noise_scale_error, 0.35 * end.noise_scale)
        # So many at first, which were not enough, and more then, at most all.
        self.assertBetween(
            fine.num_examples - rough.num_examples, 2 * size, 2 * (size + 400)
        )
        self.assertEqual(fine.points[0], rough.points[0])
        self.assertEqual(end.critical_learning_rate, last.critical_learning_rate)
        for most, expected in ((50, 50), (10**6, 400)):
            # So precise that more examples are wanted than may be, or are there.
            found = theory_measurement.measure(
                subject(400), precision=0.01, max_examples=most, **numbers
            )
            self.assertEqual(found.num_examples - rough.num_examples, 2 * expected)

    def test_refuses(self):
        for more in ({"precision": 0.0}, {"min_examples": 2}, {"max_examples": 9}):
            with self.assertRaisesRegex(errors.UserError, f"{[*more][0]}="):
                theory_measurement.measure(subject(), **more)

    def test_the_least_critical_rate_and_the_last_noise_are_used(self):
        points = (
            theory_inputs.Point(0, 5.0, 1.0, 9.0),
            theory_inputs.Point(1, 7.0, 2.0, 3.0),
            theory_inputs.Point(2, 8.0, 3.0, 6.0),
            theory_inputs.Point(3, math.inf, math.inf, 1.0),
        )
        found = theory_inputs.TheoryInputs(points, 0.9, 1.0, 10, 3, 99)
        self.assertEqual(found.used, theory_inputs.Point(2, 8.0, 3.0, 3.0))
        for number in ("from 5 to 8", "9 at first and 3 at", "3 steps and 99 examples"):
            self.assertIn(number, found.words())

    def test_a_rate_that_diverges_is_lowered(self):
        one = subject()
        start = [v.numpy() for v in one.model.variables]
        rates = []

        def train(measured, rate, batch_size, num_passes):
            rates.append(rate)
            self.assertAllEqual(measured.subject.model.get_weights()[0], start[0])
            if len(rates) == 1:
                measured.subject.model.set_weights([w + 9 for w in start])
                return []
            return [theory_inputs.Point(1, 7.0, 2.0, 3.0)] * num_passes

        with mock.patch.object(theory_measurement, "_train", train):
            found = theory_measurement.measure(one)
        self.assertAllClose(rates, [rates[0], rates[0] / 10], rtol=1e-6)
        self.assertEqual(found.learning_rate, rates[1])

    def test_nothing_finite_is_said(self):
        with mock.patch.object(theory_measurement, "_train", lambda *_: []):
            with self.assertRaisesRegex(errors.UserError, "take appendix_d"):
                theory_measurement.measure(subject())

    def test_a_model_of_a_user(self):
        trainer = tuning.ModelTrainer(build, blobs(120), blobs(60, 1), 2, _LOSS, "acc")
        found = tuning.measured_guided(trainer, num_repeats=3, share=0.1)
        self.check(found, trainer)

    def test_a_network_of_ours(self):
        run = config.RunConfig(
            data=config.DataConfig("digits", 150, 50),
            model=config.ModelConfig(hidden_units=(8,)),
        )
        trainer = tuning.RunTrainer(run, 1, self.get_temp_dir())
        found = tuning.measured_guided(trainer, num_repeats=3, share=0.1)
        self.check(found, trainer)

    def check(self, found, trainer):
        """The search takes what was measured, says it and counts it."""
        inputs = theory_measurement.measure(trainer.subject(), 0.9, 0.1)
        self.assertAllClose(found.noise_scale, inputs.used.noise_scale, rtol=1e-5)
        self.assertEqual((found.share, found.num_repeats), (0.1, 3))
        self.assertEqual(found.train_size, trainer.train_size)
        few, told = found.review({}).decisions[:2]
        self.assertIn("too few repeats a setting for a test (3, it takes 4)", few.text)
        self.assertEqual((told.phase, told.text), (0, found.measurement))
        self.assertEqual(told.numbers["num_examples"], inputs.num_examples)


class CountingTest(tf.test.TestCase):
    def test_the_search_includes_the_measures(self):
        surface = surfaces.Surface(max_memory=100)
        plain = tuning.Guided(
            train_size=surface.train_size,
            baseline_score=surface.baseline,
            noise_scale=300.0,
            noise_scale_error=30.0,
            critical_learning_rate=4.0,
        )
        counted = dataclasses.replace(
            plain, measurement="so", measuring_steps=7, measuring_examples=70
        )
        first, second = (
            surfaces.finish(one, surface)[0].recommendation for one in (plain, counted)
        )
        self.assertEqual(second.num_steps - first.num_steps, 7)
        self.assertEqual(second.num_examples - first.num_examples, 70)


if __name__ == "__main__":
    tf.test.main()
