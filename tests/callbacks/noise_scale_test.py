"""Tests of the callback that logs the noise scale of what is running."""

import csv
import doctest
import math

import keras
import tensorflow as tf
from absl.testing import absltest, parameterized

from bsgen import errors, optimizers, theory
from bsgen.callbacks import NoiseScale, noise_scale
from tests.callbacks import small_fits


class NoiseScaleTest(tf.test.TestCase, parameterized.TestCase):
    def test_the_example_of_the_docstring(self):
        self.assertEqual(doctest.testmod(noise_scale), (0, 8))

    @parameterized.parameters(*[w for w in small_fits.WAYS if w != "compiled"])
    def test_by_hand(self, way):
        _, history = small_fits.trained_in(way, self, NoiseScale())
        # e = 1/4, m = 1/2, B = 16, N = 48.
        self.assertEqual(history["learning_rate"], [0.25] * 2)
        self.assertEqual(history["batch_size"], [16.0] * 2)
        self.assertEqual(history["noise_scale"], [0.25 * 48 / (16 * 0.5)] * 2)
        self.assertEqual(history["temperature"], [0.25 / (16 * 0.5)] * 2)

    def test_examples_left_over_and_validation(self):
        data = small_fits.examples()
        history = small_fits.fit(
            small_fits.model(), NoiseScale(), data=data, validation_data=data
        ).history
        self.assertEqual(history["batch_size"], [16.0] * 2)
        self.assertEqual(history["noise_scale"], [0.25 * 50 / (16 * 0.5)] * 2)
        whole = small_fits.fit(
            small_fits.model(), NoiseScale(), data=data, batch_size=64
        ).history
        self.assertEqual(whole["batch_size"], [50.0] * 2)

    def test_a_schedule_and_another_callback_that_sets_the_rate(self):
        rate = keras.optimizers.schedules.PiecewiseConstantDecay([3], [0.5, 0.125])
        model = small_fits.model(optimizers.Momentum(rate, 0.75))
        history = small_fits.fit(model, NoiseScale(), epochs=3).history
        # Steps 3, 6 and 9 are next.
        rates = [0.5, 0.125, 0.125]
        self.assertEqual(history["learning_rate"], rates)
        expected = theory.noise_scale(rates, 16, 48, 0.75)
        self.assertAllClose(history["noise_scale"], expected, rtol=1e-12)
        setter = keras.callbacks.LearningRateScheduler(lambda epoch: 2.0**-epoch)
        history = small_fits.fit(small_fits.model(), setter, NoiseScale()).history
        self.assertEqual(history["temperature"], [1 / (16 * 0.5), 0.5 / (16 * 0.5)])

    def test_what_is_given_and_accumulated_gradients(self):
        given = NoiseScale(batch_size=8, train_size=1000)
        history = small_fits.fit(small_fits.model(), given, epochs=1).history
        self.assertEqual(history["noise_scale"], [0.25 * 1000 / (8 * 0.5)])
        optimizer = keras.optimizers.SGD(0.5, gradient_accumulation_steps=3)
        model = small_fits.model(optimizer)
        history = small_fits.fit(model, NoiseScale(), epochs=1).history
        self.assertEqual(history["batch_size"], [48.0])
        self.assertEqual(history["noise_scale"], [0.5])

    def test_files_of_other_callbacks(self):
        path = self.create_tempfile().full_path
        logger = keras.callbacks.CSVLogger(path)
        small_fits.fit(small_fits.model(), NoiseScale(), logger)
        with open(path) as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([float(row["noise_scale"]) for row in rows], [1.5, 1.5])
        folder = self.create_tempdir().full_path
        board = keras.callbacks.TensorBoard(folder)
        small_fits.fit(small_fits.model(), NoiseScale(), board, epochs=1)
        (events,) = tf.io.gfile.glob(folder + "/train/*")
        written = {
            value.tag: float(tf.make_ndarray(value.tensor))
            for record in tf.data.TFRecordDataset(events)
            for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value
            if value.HasField("tensor") and value.tag.startswith("epoch_")
        }
        self.assertEqual(written["epoch_noise_scale"], 1.5)

    def test_mistakes(self):
        for argument, value in (("batch_size", 0), ("train_size", 1.5)):
            with self.assertRaisesRegex(errors.UserError, f"^{argument}={value}: give"):
                NoiseScale(**{argument: value})
        with self.assertRaisesRegex(errors.UserError, "^optimizer='Adam': .*of SGD"):
            small_fits.fit(small_fits.model(keras.optimizers.Adam()), NoiseScale())
        with self.assertRaisesRegex(errors.UserError, "^batch_size=100.0: "):
            small_fits.fit(small_fits.model(), NoiseScale(batch_size=100))

    def test_a_diverged_training(self):
        optimizer = keras.optimizers.SGD(math.inf)
        model = small_fits.model(optimizer)
        with self.assertRaisesRegex(errors.UserError, "^learning_rate=inf: "):
            small_fits.fit(model, NoiseScale(), epochs=1)


if __name__ == "__main__":
    absltest.main()
