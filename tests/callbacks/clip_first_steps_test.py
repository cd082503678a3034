"""Tests of the callback that clips the gradient in the first steps."""

import doctest
import pathlib

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from bsgen import errors, optimizers
from bsgen.callbacks import ClipFirstSteps, clip_first_steps
from tests.callbacks import small_fits

_RATE = 0.25


class _Moves(keras.callbacks.Callback):
    """The slow twin: how far each step moves the weights."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def on_train_begin(self, logs=None):
        self.kept.append(small_fits.weights(self.model))

    def on_train_batch_end(self, batch, logs=None):
        self.kept.append(small_fits.weights(self.model))

    def lengths(self):
        return np.linalg.norm(np.diff(self.kept, axis=0), axis=1)


def _sgd():
    return keras.optimizers.SGD(_RATE)  # a step is rate times gradient


class ClipFirstStepsTest(tf.test.TestCase, parameterized.TestCase):
    def test_the_example_of_the_docstring(self):
        self.assertEqual(doctest.testmod(clip_first_steps), (0, 9))

    @parameterized.parameters(*[w for w in small_fits.WAYS if w != "several_steps"])
    def test_each_step(self, way):
        free, bound = _Moves(), _Moves()
        clip = ClipFirstSteps(norm=0.125, num_steps=2)
        small_fits.trained_in("plain", self, free, optimizer=_sgd)
        small_fits.trained_in(way, self, clip, bound, optimizer=_sgd)
        # Float16 skips the first steps, while its loss scale is too large for it.
        moved = bound.lengths() > 0
        found, unclipped = bound.lengths()[moved], free.lengths()
        self.assertGreater(unclipped.min(), 1.5 * _RATE * 0.125)
        # Steps rounded to float32, of weights up to 1.
        self.assertAllClose(found[:2], [_RATE * 0.125] * 2, rtol=1e-4)
        self.assertGreater(found[2:].min(), 1.5 * _RATE * 0.125)

    def test_as_momentum_does_by_itself(self):
        settings = {"learning_rate": 0.5, "momentum": 0.9, "l2": 0.01}
        own = optimizers.Momentum(**settings, global_clipnorm=0.2, clip_steps=3)
        models = [
            small_fits.model(own),
            small_fits.model(optimizers.Momentum(**settings)),
        ]
        small_fits.fit(models[0])
        small_fits.fit(models[1], ClipFirstSteps(0.2, 3))
        self.assertAllEqual(*map(small_fits.weights, models))

    def test_adam_and_its_own_clipping(self):
        # Adam's first step does not depend on the length of the gradient, so all
        # weights move as without clipping; the bound of each entry still holds.
        models = [
            small_fits.model(keras.optimizers.Adam(0.01, clipvalue=1e-3))
            for _ in range(2)
        ]
        small_fits.fit(models[0])
        small_fits.fit(models[1], ClipFirstSteps(1e6, 3))
        self.assertAllEqual(*map(small_fits.weights, models))

    def test_continued_training(self):
        folder = pathlib.Path(self.create_tempdir().full_path)

        def resumed(epochs):
            backup = keras.callbacks.BackupAndRestore(folder, delete_checkpoint=False)
            model = small_fits.model()
            small_fits.fit(model, backup, ClipFirstSteps(0.1, 4), epochs=epochs)
            return model

        resumed(1)  # 3 of the 4 steps
        whole = small_fits.model()
        small_fits.fit(whole, ClipFirstSteps(0.1, 4), epochs=3)
        self.assertAllEqual(*map(small_fits.weights, (resumed(3), whole)))

    def test_another_fit_neither_clips_twice_nor_compiles_again(self):
        model = small_fits.model()
        small_fits.fit(model, ClipFirstSteps(0.1, 4))
        function = model.train_function
        small_fits.fit(model, ClipFirstSteps(0.1, 4))
        self.assertIs(model.train_function, function)
        small_fits.fit(model, ClipFirstSteps(0.1, 100))
        own = model.optimizer._clip_gradients.own
        self.assertNotIsInstance(own, clip_first_steps._Clipping)
        path = str(pathlib.Path(self.create_tempdir().full_path) / "model.keras")
        model.save(path)
        again = keras.models.load_model(path)
        self.assertAllEqual(*map(small_fits.weights, (again, model)))

    def test_mistakes(self):
        for norm in (0.0, -1.0, float("nan")):
            with self.assertRaisesRegex(errors.UserError, "^norm=.*: give a "):
                ClipFirstSteps(norm)
        with self.assertRaisesRegex(errors.UserError, "^num_steps=0: give an integer"):
            ClipFirstSteps(num_steps=0)


if __name__ == "__main__":
    absltest.main()
