"""Tests of the callback that follows the weights' distance in a plain `fit`."""

import csv
import doctest
import pathlib

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from bsgen import errors, theory
from bsgen.callbacks import WeightDistance, distance_backup, weight_distance
from tests import two_devices

_COUNT = 48  # examples: 6 batches of 8


def _examples(seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(_COUNT, 5)).astype(np.float32)
    return inputs, np.tanh(inputs[:, :2] + 0.3 * inputs[:, 2:4]).astype(np.float32)


def _layers(seed=1):
    def kernel(number):
        return keras.initializers.GlorotUniform(100 * seed + number)

    return [
        keras.layers.Dense(7, kernel_initializer=kernel(0)),
        keras.layers.BatchNormalization(),
        keras.layers.Activation("tanh"),
        keras.layers.Dense(2, kernel_initializer=kernel(1)),
    ]


def _model(optimizer=None, built=True, **settings):
    inputs = [keras.Input((5,))] if built else []
    model = keras.Sequential([*inputs, *_layers()])
    optimizer = optimizer or keras.optimizers.SGD(0.2, 0.5)
    # By default Keras compiles by XLA, which takes longer than all steps of a test.
    model.compile(optimizer, "mse", **{"jit_compile": False, **settings})
    return model


class Subclassed(keras.Model):
    """Has no weights before it is called."""

    def __init__(self):
        super().__init__()
        self.all = _layers()

    def call(self, inputs, training=False):
        (outputs,) = inputs.values()
        for layer in self.all:
            outputs = layer(outputs)
        return outputs


class _EveryStep(keras.callbacks.Callback):
    """The slow twin: keeps all weights, after every batch; may stop at one."""

    def __init__(self, stop=None):
        super().__init__()
        self.kept, self._stop = {}, stop

    def on_train_begin(self, logs=None):
        self._keep()

    def on_train_batch_end(self, batch, logs=None):
        self._keep()
        if self._step() == self._stop:
            raise KeyboardInterrupt

    def _step(self):
        return int(self.model.optimizer.iterations.numpy())

    def _keep(self):
        weights = [v.numpy().ravel() for v in self.model.trainable_variables]
        self.kept[self._step()] = np.concatenate(weights).astype(np.float64)

    def distances(self, steps, start=0):
        return [np.linalg.norm(self.kept[t] - self.kept[start]) for t in steps]


def _fit(model, *callbacks, epochs=5, **settings):
    return model.fit(
        *_examples(),
        batch_size=8,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=list(callbacks),
        **settings,
    )


class WeightDistanceTest(tf.test.TestCase, parameterized.TestCase):
    def test_the_example_of_the_docstring(self):
        self.assertEqual(doctest.testmod(weight_distance), (0, 12))

    def test_a_constant_gradient(self):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        optimizer = keras.optimizers.SGD(0.5)
        model.compile(optimizer, lambda targets, outputs: outputs, jit_compile=False)
        distance = WeightDistance(per_decade=2)
        inputs = np.tile([[2.0, 2.0]], [4, 1])  # with the bias, of length 3
        model.fit(inputs, inputs, 4, epochs=40, verbose=0, callbacks=[distance])
        steps = [0, 1, 3, 10, 32, 40]
        self.assertEqual(distance.steps.tolist(), steps)
        self.assertAllClose(distance.distances, 1.5 * np.array(steps), rtol=1e-5)

    @parameterized.parameters(
        ({"jit_compile": True}, [0, 1, 2, 3, 4, 6, 10, 16, 25, 30]),
        # At the first step from each on that ends a call.
        ({"steps_per_execution": 3}, [0, 3, 6, 12, 18, 27, 30]),
    )
    def test_as_the_slow_twin(self, settings, steps):
        model = _model(**settings)
        distance, twin = WeightDistance(per_decade=5), _EveryStep()
        history = _fit(model, distance, twin).history
        self.assertEqual(distance.steps.tolist(), steps)
        # Both sum in float64.
        self.assertAllClose(distance.distances, twin.distances(steps), rtol=1e-12)
        at_ends = twin.distances(range(6, 31, 6))
        self.assertAllClose(history["weight_distance"], at_ends, rtol=1e-12)
        self.assertEqual(distance.distances[0], 0.0)

    def test_accumulated_gradients(self):
        optimizer = keras.optimizers.SGD(0.2, gradient_accumulation_steps=2)
        distance, twin = WeightDistance(per_decade=3), _EveryStep()
        _fit(_model(optimizer), distance, twin)
        steps = [0, 1, 2, 5, 10, 15]
        self.assertEqual(distance.steps.tolist(), steps)
        self.assertAllClose(distance.distances, twin.distances(steps), rtol=1e-12)

    @parameterized.parameters("mixed_bfloat16", "mixed_float16", "bfloat16")
    def test_precisions(self, precision):
        before = keras.config.dtype_policy()
        self.addCleanup(keras.config.set_dtype_policy, before)
        keras.config.set_dtype_policy(precision)
        model = _model()
        distance, twin = WeightDistance(), _EveryStep()
        _fit(model, distance, twin, epochs=2)
        self.assertEqual(distance.steps[-1], model.optimizer.iterations.numpy())
        found = twin.distances(distance.steps)
        self.assertAllClose(distance.distances, found, rtol=1e-12)
        self.assertGreater(distance.distances[-1], 0.01)

    @parameterized.parameters("sequential", "subclassed")
    def test_a_model_that_its_first_step_builds(self, kind):
        def trained(*callbacks):
            keras.utils.set_random_seed(3)
            model = _model(built=False)
            inputs, targets = _examples()
            if kind == "subclassed":
                model, inputs = Subclassed(), {"x": inputs}
                model.compile(keras.optimizers.SGD(0.2, 0.5), "mse", jit_compile=False)
            model.fit(inputs, targets, 8, 2, verbose=0, callbacks=[*callbacks])
            return model

        distance, built = WeightDistance(), _model()
        model = trained(distance)
        left = [v.numpy() for v in trained().trainable_variables]
        self.assertEqual(distance.steps[0], 0)
        moved = 0.0
        weights = model.trainable_variables, built.trainable_variables, left
        for now, then, without in zip(*weights, strict=True):
            # It changes nothing.
            self.assertAllClose(now, without, 1e-6, 1e-7)
            moved += np.sum((now.numpy() - then.numpy()).astype(np.float64) ** 2)
        self.assertAllClose(distance.distances[-1], moved**0.5, rtol=1e-6)

    def test_two_devices(self):
        found = []
        for strategy in (tf.distribute.get_strategy(), two_devices.strategy()):
            with strategy.scope():
                layers = [layer for layer in _layers() if "batch" not in layer.name]
                model = keras.Sequential(layers)
                model.compile(keras.optimizers.SGD(0.2), "mse")
            distance = WeightDistance()
            _fit(model, distance, epochs=2)
            found.append(distance)
        self.assertEqual(*(each.steps.tolist() for each in found))
        self.assertGreater(found[0].distances[1], 1e-3)
        # Two sums of gradients, each rounded in float32.
        self.assertAllClose(*(each.distances for each in found), rtol=1e-4)

    def test_other_callbacks_see_it(self):
        path = self.create_tempfile().full_path
        logger = keras.callbacks.CSVLogger(path)
        distance = WeightDistance(at_epoch_ends=False)
        _fit(_model(), distance, logger, epochs=3)
        with open(path) as file:
            written = [float(row["weight_distance"]) for row in csv.DictReader(file)]
        # After 6, 13 and 18 steps; the last ones measured are these.
        points = dict(zip(distance.steps, distance.distances, strict=True))
        self.assertEqual(written, [points[6], points[10], points[18]])

    def test_fit_of_a_law(self):
        distance = WeightDistance()
        with self.assertRaisesRegex(errors.UserError, "^steps=0: too few points"):
            distance.fit()
        history = _fit(_model(), distance, epochs=8).history
        self.assertGreater(distance.fit("power").shape, 0.0)
        slopes = history["weight_distance_slope"]
        # The steps 1, 2, 3, 4, 6, 7, 10, 13 are eight, after the third epoch.
        self.assertAllEqual(np.isnan(slopes), [True, True] + [False] * 6)
        known = distance.steps <= 18
        expected = theory.fit_growth(distance.steps[known], distance.distances[known])
        self.assertEqual(slopes[2], expected.coefficients[1])


class ContinuingTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)
        self.kept = self.folder / "distance"

    def _resumable(self, stop=None, save_freq="epoch", **settings):
        """Trains five epochs, perhaps up to a stop; returns the callback."""
        distance = WeightDistance(**settings)
        backup = keras.callbacks.BackupAndRestore(self.folder / "keras", save_freq)
        model = _model()
        try:
            # Whichever of the two comes first.
            order = [distance, backup] if stop else [backup, distance]
            _fit(model, *order, _EveryStep(stop))
        except KeyboardInterrupt:
            pass
        return distance

    def test_after_its_process_has_ended(self):
        whole = WeightDistance()
        _fit(_model(), whole)
        for stop in (3, 13):  # in the first epoch, and where a step is measured
            stopped = self._resumable(stop, backup_dir=self.kept)
            self.assertBetween(stopped.steps[-1], 1, stop)
            # A later step is taken again, perhaps with another rounding.
            kept = distance_backup.DistanceBackup(self.kept)
            saved = kept.load()
            kept.save_points({**saved.points, 14: 99.0}, saved.offset)
            found = self._resumable(backup_dir=self.kept)
            self.assertEqual(found.steps.tolist(), whole.steps.tolist())
            self.assertAllClose(found.distances, whole.distances, rtol=1e-6)

    def test_with_weights_that_are_given(self):
        whole = WeightDistance()
        _fit(_model(), whole)
        self._resumable(17)
        found = self._resumable(initial_weights=_model())
        # Training went back to step 12.
        self.assertEqual(found.steps.tolist(), [12, 13, 18, 24, 30])
        expected = dict(zip(whole.steps, whole.distances, strict=True))
        for step, value in zip(found.steps[1:], found.distances[1:], strict=True):
            self.assertAllClose(value, expected[step], rtol=1e-6)

    def test_without_either_it_says_so(self):
        self._resumable(17)
        with self.assertLogs(level="WARNING") as caught:
            found = self._resumable()
        self.assertIn("the model has taken 12 steps", caught.output[0])
        self.assertEqual(found.steps.tolist(), [0, 1, 2, 3, 4, 6, 7, 10, 13, 18])
        self.assertEqual(found.distances[0], 0.0)

    def test_calls_of_fit_are_one_training(self):
        model, distance, twin = _model(), WeightDistance(), _EveryStep()
        for _ in range(2):
            _fit(model, distance, twin, epochs=2)
        steps = [0, 1, 2, 3, 4, 6, 7, 10, 12, 13, 18, 24]
        self.assertEqual(distance.steps.tolist(), steps)
        self.assertAllClose(distance.distances, twin.distances(steps), rtol=1e-12)
        # Another optimizer counts its own steps.
        model.compile("sgd", "mse")
        _fit(model, distance, epochs=1)
        self.assertEqual(distance.steps.tolist(), [0, 1, 2, 3, 4, 6])
        self.assertEqual(distance.distances[0], 0.0)

    def test_a_new_training_takes_the_folder(self):
        self._resumable(17, backup_dir=self.kept)
        found = WeightDistance(backup_dir=self.kept)
        _fit(_model(), found, epochs=1)
        self.assertEqual(found.steps.tolist(), [0, 1, 2, 3, 4, 6])

    def test_mistakes(self):
        with self.assertRaisesRegex(errors.UserError, "^per_decade=0: give an int"):
            WeightDistance(per_decade=0)
        other = WeightDistance(initial_weights=[np.zeros(3)])
        with self.assertRaisesRegex(errors.UserError, r"^initial_weights=\[\(3,\)\]: "):
            _fit(_model(), other)
        self.kept.write_text("")
        for path in (self.kept, self.kept / "x"):
            with self.assertRaisesRegex(errors.UserError, "^backup_dir='.*cannot wri"):
                _fit(_model(), WeightDistance(backup_dir=path))
        self.kept.unlink()
        self._resumable(17, backup_dir=self.kept)
        (self.kept / "initial_weights.npz").write_bytes(b"PK")
        with self.assertRaisesRegex(errors.UserError, "^backup_dir='.*is damaged"):
            self._resumable(backup_dir=self.kept)


if __name__ == "__main__":
    absltest.main()
