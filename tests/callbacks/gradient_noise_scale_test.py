"""Tests of the callback that measures the gradients' noise scale during training."""

import doctest
import pathlib

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.callbacks import GradientNoiseScale, gradient_noise_scale, half_batches
from tests.callbacks import small_fits


def _gradient(model, inputs, targets):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(inputs, training=True) - targets) ** 2)
    parts = tape.gradient(loss, [v.value for v in model.trainable_variables])
    return np.concatenate([part.numpy().ravel() for part in parts]).astype(np.float64)


def _twin(model, data, num_parts):
    """Returns the two moments by their definition, from parts of equal size."""
    size = len(data[0])
    parts = zip(*(np.split(each, num_parts) for each in data), strict=True)
    found = np.array([_gradient(model, *part) for part in parts])
    whole = found.mean(axis=0)
    # The variance of the parts' gradients is that of one example over their size.
    noise = np.sum((found - whole) ** 2) / (num_parts - 1) * size / num_parts
    return noise, whole @ whole - noise / size


class HalfBatchesTest(tf.test.TestCase):
    def test_as_the_slow_twin(self):
        model = small_fits.model(normalized=False)
        for size in (16, 2):
            data = small_fits.examples(seed=size, count=size)
            found = [*half_batches.HalfBatches(model).measure(data)]
            # Differences of float32 sums.
            self.assertAllClose(found, [*_twin(model, data, 2)], rtol=1e-3, atol=1e-6)

    def test_halves_of_different_size_are_unbiased(self):
        model = small_fits.model(normalized=False)
        data = small_fits.examples(count=40)
        each = np.array([_gradient(model, *(part[i : i + 1] for part in data))
                         for i in range(40)])  # fmt: skip
        mean = each.mean(axis=0)
        noise = np.sum((each - mean) ** 2) / 40  # drawn with replacement
        halves, rng = half_batches.HalfBatches(model), np.random.default_rng(3)
        drawn = [rng.integers(40, size=3) for _ in range(400)]
        found = np.array([halves.measure(tuple(p[d] for p in data)) for d in drawn])
        error = found.std(axis=0) / np.sqrt(len(found))
        away = np.abs(found.mean(axis=0) - [noise, mean @ mean]) / error
        self.assertLess(away.max(), 4.0)

    def test_too_few_examples(self):
        halves = half_batches.HalfBatches(small_fits.model())
        self.assertIsNone(halves.measure(small_fits.examples(count=1)))

    def test_losses_that_are_no_mean(self):
        model = small_fits.model()
        model.compile("sgd", keras.losses.MeanSquaredError(reduction="sum"))
        with self.assertRaisesRegex(
            errors.UserError, "^loss='mean_squared_error': a s"
        ):
            half_batches.HalfBatches(model)


class GradientNoiseScaleTest(tf.test.TestCase, parameterized.TestCase):
    def test_the_example_of_the_docstring(self):
        self.assertEqual(doctest.testmod(gradient_noise_scale), (0, 11))

    @parameterized.parameters(*[w for w in small_fits.WAYS if w != "two_devices"])
    def test_training_stays_as_it_is(self, way):
        noise = GradientNoiseScale(interval=2)
        measured, history = small_fits.trained_in(way, self, noise)
        plain, _ = small_fits.trained_in(way, self)
        self.assertAllEqual(*map(small_fits.weights, (measured, plain)))
        # Six steps, in two epochs; of several in a call, the batch of the first.
        steps = {"several_steps": [0, 3]}.get(way, [2, 4])
        self.assertEqual(noise.steps.tolist(), steps)
        self.assertGreater(noise.noise, 0.0)
        self.assertEqual(history["gradient_noise_scale"][-1], noise.value)
        self.assertFalse(hasattr(measured.train_function, "callback"))

    def test_two_devices_as_the_slow_twin(self):
        noise = GradientNoiseScale(interval=2)
        model, history = small_fits.trained_in(
            "two_devices", self, noise, normalized=False, epochs=1
        )
        twin = small_fits.model(normalized=False)
        small_fits.fit(twin, data=[part[:32] for part in small_fits.examples(count=48)],
                       epochs=1)  # fmt: skip
        batch = [part[32:] for part in small_fits.examples(count=48)]
        found = [noise.noise, noise.squared_gradient]
        self.assertAllClose(found, [*_twin(twin, batch, 4)], rtol=1e-3, atol=1e-6)
        self.assertEqual(history["gradient_noise_scale"], [noise.value])
        # Training stays as it is, up to the order of sums.
        small_fits.fit(twin, data=batch, epochs=1)
        self.assertAllClose(*map(small_fits.weights, (model, twin)), atol=1e-6)

    def test_averages(self):
        noise = GradientNoiseScale(interval=1, smoothing=0.5)
        self.assertTrue(np.isnan(noise.value))
        small_fits.fit(small_fits.model(), noise, epochs=1)
        rows = noise._rows.column("noise"), noise._rows.column("squared_gradient")
        self.assertEqual(noise.steps.tolist(), [1, 2])
        (n1, n2), (s1, s2) = rows
        self.assertAllClose(noise.noise, (n1 + 2 * n2) / 3, rtol=1e-12)
        self.assertAllClose(noise.squared_gradient, (s1 + 2 * s2) / 3, rtol=1e-12)
        noise._rows.add(3, (1.0, -1e6))
        self.assertEqual(noise.value, np.inf)

    def test_continued_in_another_process(self):
        folder = pathlib.Path(self.create_tempdir().full_path)

        def trained(epochs, name):
            backup = keras.callbacks.BackupAndRestore(
                folder / name, delete_checkpoint=False
            )
            noise = GradientNoiseScale(interval=2, backup_dir=folder / f"{name}_noise")
            small_fits.fit(small_fits.model(), noise, backup, epochs=epochs)
            return noise

        trained(2, "a")
        (continued, whole) = trained(4, "a"), trained(4, "b")
        self.assertEqual(continued.steps.tolist(), [2, 4, 6, 8, 10])
        self.assertEqual(continued.steps.tolist(), whole.steps.tolist())
        self.assertEqual(continued.value, whole.value)  # bit for bit
        # A new training takes the folder; what is damaged is named.
        new = GradientNoiseScale(interval=2, backup_dir=folder / "a_noise")
        small_fits.fit(small_fits.model(), new, epochs=1)
        self.assertEqual(new.steps.tolist(), [2])
        (folder / "a_noise" / "gradient_noise_scale.jsonl").write_text("{}\n")
        with self.assertRaisesRegex(errors.UserError, "^backup_dir='.*line 1: "):
            trained(5, "a")

    def test_after_an_interruption(self):
        class Stop(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                raise KeyboardInterrupt

        model, noise = small_fits.model(), GradientNoiseScale(interval=1)
        with self.assertRaises(KeyboardInterrupt):
            small_fits.fit(model, noise, Stop())
        small_fits.fit(model, epochs=1)
        self.assertEmpty(noise.steps)
        small_fits.fit(model, noise, epochs=1)
        self.assertEqual(noise.steps.tolist(), [4, 5, 6])

    def test_mistakes(self):
        with self.assertRaisesRegex(errors.UserError, "^interval=0: give an integer"):
            GradientNoiseScale(interval=0)
        with self.assertRaisesRegex(errors.UserError, "^smoothing=1.0: give a finite"):
            GradientNoiseScale(smoothing=1.0)


if __name__ == "__main__":
    absltest.main()
