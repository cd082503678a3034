"""Tests of the callback that follows the largest eigenvalue of the Hessian."""

import doctest
import pathlib

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from bsgen import errors, measures, optimizers
from bsgen.callbacks import Sharpness, sharpness
from tests.callbacks import small_fits


class SharpnessTest(tf.test.TestCase, parameterized.TestCase):
    def test_the_example_of_the_docstring(self):
        self.assertEqual(doctest.testmod(sharpness), (0, 9))

    @parameterized.parameters("plain", "float16", "two_devices")
    def test_as_measured_afterwards(self, way):
        data = small_fits.examples(seed=1, count=20)
        callback = Sharpness(data, every=2, tolerance=1e-4)
        model, history = small_fits.trained_in(way, self, callback, epochs=3)
        if way == "plain":
            twin, _ = small_fits.trained_in(way, self, epochs=3)
            self.assertAllEqual(*map(small_fits.weights, (model, twin)))
        first, *others = history["max_eigenvalue"]
        self.assertTrue(np.isnan(first))
        self.assertEqual(others[0], others[1])
        self.assertEqual(
            callback.steps.tolist(), [model.optimizer.iterations.numpy() * 2 // 3]
        )
        # One more epoch of no steps at all leaves the weights that are measured.
        model.optimizer.learning_rate = 0.0
        small_fits.fit(model, keras.callbacks.Callback(), callback, epochs=2)
        hessian = measures.Hessian(model, None, data)
        expected = measures.top_eigenvalue(hessian, tolerance=1e-4).value
        tolerance = 0.05 if way == "float16" else 1e-3
        self.assertAllClose(callback.max_eigenvalues[-1], expected, rtol=tolerance)
        critical = history["critical_learning_rate"][-1]
        self.assertAllClose(critical, 2 * 1.5 / others[1], rtol=1e-12)
        self.assertAllClose(history["rate_over_critical"][-1], 0.25 / critical)

    def test_l2_of_the_optimizer(self):
        data, found = small_fits.examples(count=20), []
        for l2 in (0.0, 2.0):
            model = small_fits.model(optimizers.Momentum(0.0, 0.5, l2=l2))
            callback = Sharpness(data, tolerance=1e-5)
            small_fits.fit(model, callback, epochs=1, data=data)
            found.append(callback.max_eigenvalues[0])
        self.assertAllClose(found[1] - found[0], 2.0, rtol=1e-3)

    def test_continued_in_another_process(self):
        folder = pathlib.Path(self.create_tempdir().full_path)
        data = small_fits.examples(count=20)

        def trained(epochs, *callbacks):
            callback = Sharpness(data, every=2, backup_dir=folder / "sharpness")
            history = small_fits.fit(
                small_fits.model(), callback, *callbacks, epochs=epochs
            ).history
            return callback, history["max_eigenvalue"]

        def backup():
            return keras.callbacks.BackupAndRestore(
                folder / "keras", delete_checkpoint=False
            )

        trained(2, backup())
        callback, logged = trained(4, backup())
        whole, all_logged = trained(4)
        self.assertEqual(callback.steps.tolist(), [6, 12])
        self.assertEqual(logged, all_logged[2:])
        self.assertAllEqual(callback.max_eigenvalues, whole.max_eigenvalues)

    def test_a_diverged_training(self):
        model = small_fits.model(keras.optimizers.SGD(1e30))
        data = small_fits.examples(count=20)
        history = small_fits.fit(model, Sharpness(data), epochs=2).history
        self.assertAllEqual(np.isnan(history["max_eigenvalue"]), [True, True])

    def test_mistakes(self):
        data = small_fits.examples(count=20)
        for argument in ("every", "max_products"):
            with self.assertRaisesRegex(
                errors.UserError, f"^{argument}=0: give an int"
            ):
                Sharpness(data, **{argument: 0})
        with self.assertRaisesRegex(errors.UserError, "^tolerance=-1: give a finite"):
            Sharpness(data, tolerance=-1)
        with self.assertRaisesRegex(errors.UserError, "^optimizer='Adam': .*of SGD"):
            small_fits.fit(small_fits.model(keras.optimizers.Adam()), Sharpness(data))


if __name__ == "__main__":
    absltest.main()
