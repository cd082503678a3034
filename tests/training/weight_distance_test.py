"""Tests of the distances of the weights that both engines record."""

import dataclasses
import math
import os
import pathlib
import signal
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from bsgen import config, errors, measures, models
from bsgen.training import interruption, loop, weight_distance
from bsgen.training.loop import run_loop
from tests.references import one_model_loop
from tests.training import made_up_runs, metrics_file, small_runs

_BOTH = set(weight_distance.NAMES)


def _asking(run, **changes):
    return dataclasses.replace(run, weight_distance=True, **changes)


class RecordedTest(parameterized.TestCase):
    def test_by_hand(self):
        found = weight_distance.recorded([3.0, 0.0, 4.0])
        expected = {"weight_distance": 5.0, "first_kernel_distance": 3.0}
        self.assertEqual(found, expected)

    def test_beyond_float32(self):
        found = weight_distance.recorded([1.0, 1e39])
        self.assertEqual([*found.values()], [math.inf, 1.0])


class ConfigTest(absltest.TestCase):
    def test_a_run_that_does_not_ask_keeps_its_key(self):
        run = small_runs.run()
        self.assertNotIn("weight_distance", config.to_dict(run))
        self.assertNotEqual(_asking(run).key, run.key)
        self.assertEqual(config.from_dict(config.to_dict(_asking(run))), _asking(run))
        # A column of settings would be taken for the distance itself.
        self.assertEqual(config.columns(_asking(run)), config.columns(run))

    def test_not_of_exact_minima(self):
        with self.assertRaisesRegex(errors.UserError, "^weight_distance=.*newton"):
            config.RunConfig(optimizer=config.NewtonConfig(1.0), weight_distance=True)

    def test_yes_or_no(self):
        with self.assertRaisesRegex(errors.UserError, "^weight_distance=8: give True"):
            config.RunConfig(weight_distance=8)


class EnsembleTest(tf.test.TestCase):
    def _compare(self, run, record):
        curve, final = one_model_loop.train(run)
        self.assertEqual(record.curve.keys(), curve.keys())
        for name in _BOTH:
            # A float32 step rounds each weight by 6e-8 of its size, some 0.1, and the
            # settings do not amplify this; distances are 0.01 to 3.
            self.assertAllClose(record.curve[name], curve[name], rtol=2e-5)
            self.assertAllClose(record.final[name], final[name], rtol=2e-5)
            self.assertEqual(record.curve[name][0], 0.0)
        self.assertLess(
            record.final["first_kernel_distance"], record.final["weight_distance"]
        )

    def test_as_one_model_after_the_other(self):
        """Two of three end first, so that the third goes on in a smaller program."""
        long = _asking(small_runs.run(l2=0.01, clip_norm=0.5))
        short = _asking(small_runs.run(seed=5, num_steps=40, clip_norm=0.2))
        plain = small_runs.run(seed=6, num_steps=40, clip_norm=1.0)
        runs = [short, plain, long]
        with small_runs.spied_programs() as sizes:
            records = small_runs.train(runs, memory_bytes=2**30)
        self.assertEqual((sizes[0], sizes[-1]), (3, 1))
        for run in (long, short):
            self._compare(run, records[run.key])
        self.assertNoCommonElements(_BOTH, records[plain.key].curve)
        self.assertNoCommonElements(_BOTH, records[plain.key].final)

    def test_a_clipped_step_has_a_known_length(self):
        rate, bound = 0.25, 0.01
        run = small_runs.run(
            learning_rate=rate, momentum=0.0, clip_norm=bound, num_steps=7
        )
        (record,) = small_runs.train([_asking(run)]).values()
        distances = record.curve["weight_distance"]
        self.assertAllClose(distances[:2], [0.0, rate * bound], rtol=1e-4)
        # Seven steps in directions that differ a little.
        self.assertLess(distances[2], 7 * rate * bound)
        self.assertGreater(distances[2], 4 * rate * bound)

    def test_of_a_diverged_run(self):
        calm = _asking(small_runs.run())
        wild = _asking(small_runs.run(seed=4, learning_rate=10.0, l2=1.0, momentum=0.0))
        records = small_runs.train([wild, calm], memory_bytes=2**30)
        record = records[wild.key]
        self.assertEqual((record.status, record.final), ("diverged", {}))
        # L2 multiplies the weights by -9 a step: 1e5 is passed, infinity not recorded.
        distances = record.curve["weight_distance"]
        self.assertLen(distances, len(record.curve["step"]))
        self.assertTrue(np.isfinite(distances).all(), distances)
        self.assertGreater(distances[-1], 1e5)
        alone = small_runs.train([calm])[calm.key]
        for name in _BOTH:
            self.assertAllClose(
                records[calm.key].curve[name], alone.curve[name], rtol=1e-5
            )


class _Stopping(loop.Observer):
    """Asks the process to stop after a step."""

    def __init__(self, step):
        self._step = step

    def advanced(self, progress):
        if progress.step == self._step:
            os.kill(os.getpid(), signal.SIGTERM)


class LoopTest(tf.test.TestCase, parameterized.TestCase):
    def _train(self, run, folder=None, observer=None, **hardware):
        folder = folder or self.create_tempdir().full_path
        options = loop.Options(config.HardwareConfig(**hardware))
        with made_up_runs.source():
            return loop.train(run, folder, options, observer)

    def test_as_in_the_ensemble(self):
        run = _asking(small_runs.run(l2=0.01, clip_norm=0.5, num_steps=30))
        (together,) = small_runs.train([run]).values()
        alone = loop.train(run, self.create_tempdir().full_path)
        for name in _BOTH:
            self.assertAllClose(together.curve[name], alone.curve[name], rtol=2e-5)
            self.assertAllClose(together.final[name], alone.final[name], rtol=2e-5)

    @parameterized.parameters(
        ({}, {}),
        ({"precision": "mixed_bfloat16"}, {"gradient_accumulation": 2}),
        ({"precision": "mixed_float16"}, {"strategy": "mirrored", "num_devices": 2}),
    )
    def test_of_the_model_that_is_left(self, settings, hardware):
        run = _asking(
            made_up_runs.run(made_up_runs.ghost(), evaluation_steps=(0,), **settings)
        )
        folder = pathlib.Path(self.create_tempdir().full_path) / "run"
        record = self._train(run, folder, **hardware)
        start = models.build(
            run.model, (8, 8, 3), made_up_runs.NUM_CLASSES, run.seed, run.precision
        )
        left = keras.models.load_model(folder / "model.keras", compile=False)
        moved = measures.weight_distance(left, start)
        expected = (moved.value, next(iter(moved.per_variable.values())))
        for name, value in zip(weight_distance.NAMES, expected, strict=True):
            # But for the rounding of the recorded value.
            self.assertAllClose(record.final[name], value, rtol=1e-7)
            self.assertEqual(record.curve[name], [0.0, record.final[name]])
            written = [line[name] for line in metrics_file.read(folder)]
            self.assertEqual(written, record.curve[name])

    def test_a_resumed_run_has_the_same(self):
        run = _asking(made_up_runs.run(evaluation_steps=(0, 2, 6)))
        whole = self._train(run)
        folder = pathlib.Path(self.create_tempdir().full_path) / "run"
        with (
            mock.patch.object(run_loop, "_SECONDS_PER_CALL", 0.0),
            self.assertRaises(interruption.Interrupted),
        ):
            self._train(run, folder, _Stopping(4))
        record = self._train(run, folder)
        for name in _BOTH:
            self.assertEqual(record.curve[name], whole.curve[name])
            self.assertEqual(record.final[name], whole.final[name])

    def test_two_devices(self):
        run = _asking(made_up_runs.run(made_up_runs.ghost(), evaluation_steps=(3,)))
        one = self._train(run)
        two = self._train(run, strategy="mirrored", num_devices=2)
        for name in _BOTH:
            self.assertAllClose(two.curve[name], one.curve[name], rtol=1e-4)

    def test_of_a_diverged_run(self):
        run = _asking(made_up_runs.run(learning_rate=1e30, evaluation_steps=(0, 1, 4)))
        record = self._train(run)
        self.assertEqual((record.status, record.final), ("diverged", {}))
        for name in _BOTH:
            self.assertEqual(record.curve[name], [0.0])


if __name__ == "__main__":
    tf.test.main()
