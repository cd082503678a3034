"""Tests of the loop engine in one process: exact resume, records and results."""

import os
import pathlib
import signal
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config
from bsgen.files import sealed_json
from bsgen.training import checkpoints, interruption, loop, run_folder
from bsgen.training.loop import run_loop, trainee
from tests import lost_interrupts
from tests.training import made_up_runs, metrics_file

_TIMINGS = ("seconds", "images_per_second")
_EVALUATIONS = (0, 3, 4, 9)


def _run(model=None, **settings):
    """Eleven steps, a batch that grows after the fourth, and a validation set."""
    return made_up_runs.run(
        model,
        num_steps=11,
        evaluation_steps=_EVALUATIONS,
        batch_size_schedule=made_up_runs.GROW,
        **{"data_settings": {"validation_size": 9}, **settings},
    )


class _Recorder(loop.Observer):
    """Keeps what it sees, and asks the process to stop after some steps."""

    def __init__(self, stops=()):
        self.stops = stops
        self.starts, self.seen, self.warnings = [], [], []

    def started(self, step):
        self.starts.append(step)

    def advanced(self, progress):
        self.seen.append(progress)
        if progress.step in self.stops:
            os.kill(os.getpid(), signal.SIGTERM)

    def warned(self, line):
        self.warnings.append(line)


class _LoopTestCase(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.enterContext(made_up_runs.source())
        self.recorder = _Recorder()

    def folder(self):
        return pathlib.Path(self.create_tempdir().full_path) / "run"

    def train(self, run, path, stops=(), **settings):
        """Trains until the run reaches one of the steps `stops`."""
        self.recorder.stops = stops
        return loop.train(run, path, loop.Options(**settings), self.recorder)

    def interrupt(self, run, path, step, **settings):
        with mock.patch.object(run_loop, "_SECONDS_PER_CALL", 0.0):
            with self.assertRaises(interruption.Interrupted) as caught:
                self.train(run, path, [step], **settings)
        self.assertEqual(caught.exception.step, step)
        self.assertEqual(caught.exception.signal_number, signal.SIGTERM)

    def assert_same_result(self, first, second):
        """Checks weights, sums, curves and files of two finished runs, bit for bit."""
        results = []
        for path in (first, second):
            checkpoint = checkpoints.load_latest(path, self.fail)
            records = metrics_file.read(path)
            self.assertEqual(records, checkpoint.info["state"]["history"])
            summary = sealed_json.read(path / "summary.json", None)
            for values in (*records, summary):
                for name in _TIMINGS:
                    values.pop(name, None)
            results.append((checkpoint, records, summary))
        (ours, *our_numbers), (theirs, *their_numbers) = results
        self.assertEqual(our_numbers, their_numbers)
        self.assertEqual(ours.step, theirs.step)
        self.assertEqual(ours.arrays.keys(), theirs.arrays.keys())
        for name, array in ours.arrays.items():
            np.testing.assert_array_equal(array, theirs.arrays[name], name)


class ExactResumeTest(_LoopTestCase):
    def test_an_interrupted_run_is_the_uninterrupted_one(self):
        run = _run(made_up_runs.convolutional(), l2=1e-3, clip_norm=1.0, clip_steps=6)
        hardware = config.HardwareConfig(deterministic=True)
        self.enterContext(made_up_runs.deterministic())
        whole, broken = self.folder(), self.folder()
        record = self.train(run, whole, hardware=hardware)
        # In a segment, after an evaluation at its end, and right after a resume.
        for step in (2, 4, 5):
            self.interrupt(run, broken, step, hardware=hardware)
        again = self.train(run, broken, hardware=hardware)
        self.assertEqual(self.recorder.starts, [0, 0, 2, 4, 5])
        self.assert_same_result(whole, broken)
        self.assertEqual(again.curve["test_accuracy"], record.curve["test_accuracy"])
        self.assertEqual(again.final, record.final)

    def test_under_xla_a_run_stops_and_goes_on_between_its_blocks(self):
        run, hardware = _run(clip_norm=1.0), config.HardwareConfig(jit=True)
        whole, broken, plain = self.folder(), self.folder(), self.folder()
        record = self.train(run, whole, hardware=hardware)
        self.recorder.seen.clear()
        # Blocks of 3 steps fit best between the ends 3, 4, 9 and 11.
        for step in (7, 9):
            self.interrupt(run, broken, step, hardware=hardware)
        self.train(run, broken, hardware=hardware)
        self.assertEqual(self.recorder.starts, [0, 0, 7, 9])
        steps = [progress.step for progress in self.recorder.seen]
        self.assertEqual(steps, [3, 4, 7, 9, 11])
        self.assert_same_result(whole, broken)
        expected = self.train(run, plain)
        self.assertEqual(record.curve.keys(), expected.curve.keys())
        for name in (
            "batch_cross_entropy",
            "test_cross_entropy",
            "validation_accuracy",
        ):
            ours, theirs = record.curve[name][1:], expected.curve[name][1:]
            self.assertAllClose(ours, theirs, 1e-5, 1e-5)

    def test_streamed_images_give_the_same_bits(self):
        run = _run(made_up_runs.ghost())
        paths = {name: self.folder() for name in ("device", "stream")}
        for name, path in paths.items():
            hardware = config.HardwareConfig(data_placement=name)
            if name == "stream":
                self.interrupt(run, path, 6, hardware=hardware)
            self.train(run, path, hardware=hardware)
        self.assert_same_result(*paths.values())

    def test_how_steps_fall_into_calls_is_not_recorded(self):
        run = _run()
        paths, lasts = [], []
        for seconds in (0.0, 1e9):  # single steps; as many as possible
            with mock.patch.object(run_loop, "_SECONDS_PER_CALL", seconds):
                path = self.folder()
                self.recorder.seen.clear()
                self.train(run, path)
                paths.append(path)
                lasts.append([progress.step for progress in self.recorder.seen])
        self.assertEqual(lasts, [list(range(1, 12)), [1, 3, 4, 9, 11]])
        self.assert_same_result(*paths)

    def test_a_damaged_checkpoint_is_skipped(self):
        run = _run()
        whole, broken = self.folder(), self.folder()
        self.train(run, whole)
        self.interrupt(run, broken, 8)
        files = sorted(broken.glob(checkpoints.PATTERN))
        self.assertLen(files, 2)
        content = bytearray(files[-1].read_bytes())
        content[len(content) // 2] ^= 1
        files[-1].write_bytes(content)
        self.train(run, broken)
        self.assertLen(self.recorder.warnings, 1)
        self.assertIn(files[-1].name, self.recorder.warnings[0])
        self.assertEqual(self.recorder.starts[-1], 4)
        self.assert_same_result(whole, broken)

    def test_a_torn_line_is_rewritten(self):
        run = _run()
        whole, broken = self.folder(), self.folder()
        self.train(run, whole)
        self.interrupt(run, broken, 8)
        lines = broken / "metrics.jsonl"
        lines.write_bytes(lines.read_bytes()[:-7])
        self.train(run, broken)
        self.assert_same_result(whole, broken)

    def test_a_damaged_model_is_made_again(self):
        run, path, whole = _run(), self.folder(), self.folder()
        self.train(run, path)
        record = self.train(run, whole)
        inputs = np.ones([2, 8, 8, 3], np.float32)
        expected = keras.models.load_model(path / "model.keras")(inputs)
        (path / "model.keras").write_bytes(b"damaged")
        again = self.train(run, path)
        self.assertIn("its model.keras is damaged", self.recorder.warnings[0])
        self.assertEqual(again.final, record.final)
        self.assert_same_result(whole, path)
        model = keras.models.load_model(path / "model.keras")
        self.assertAllEqual(model(inputs), expected)

    def test_starting_over_forgets(self):
        run, path = _run(), self.folder()
        self.interrupt(run, path, 6)
        self.train(run, path, resume="never")
        self.assertEqual(self.recorder.starts, [0, 0])
        whole = self.folder()
        self.train(run, whole)
        self.assert_same_result(whole, path)

    def test_saves_after_each_call_when_asked(self):
        saved = []

        def save(folder, checkpoint, keep=2):
            saved.append(checkpoint.step)

        with (
            mock.patch.object(run_folder.RunFolder, "save", save),
            mock.patch.object(run_loop, "_SECONDS_PER_CALL", 0.0),
        ):
            self.train(_run(), self.folder(), checkpoint_seconds=0.0)
            self.assertEqual(saved, list(range(12)))
            saved.clear()
            self.train(_run(), self.folder())
            self.assertEqual(saved, [*_EVALUATIONS, 11])

    def test_an_interrupt_lost_before_the_first_step(self):
        class Losing(_Recorder):
            def started(self, step):
                lost_interrupts.in_destructor()

        self.recorder = Losing()
        with lost_interrupts.ignored(), self.assertRaises(KeyboardInterrupt):
            self.train(_run(), self.folder())
        self.assertEmpty(self.recorder.seen)

    def test_killed_before_the_first_step_it_records_the_untrained_model_once(self):
        run, path = _run(), self.folder()
        with mock.patch.object(trainee.Trainee, "take_steps", side_effect=OSError):
            self.assertRaises(OSError, self.train, run, path)
        record = self.train(run, path)
        self.assertEqual(record.curve["step"], [*_EVALUATIONS, 11])

    def test_a_signal_after_the_last_step_changes_nothing(self):
        path = self.folder()
        self.assertEqual(self.train(_run(), path, [11]).status, "completed")
        before = signal.getsignal(signal.SIGTERM)
        self.interrupt(_run(), self.folder(), 1)
        self.assertIs(signal.getsignal(signal.SIGTERM), before)


class RecordsTest(_LoopTestCase):
    def test_records_what_the_steps_were(self):
        # The rate changes at an evaluation, whose record has that of the step before.
        run = _run(schedule=config.Stepwise((4.0,), (0.5,), "steps"))
        record = self.train(run, self.folder())
        self.assertEqual(record.status, "completed")
        curve = record.curve
        self.assertEqual(curve["step"], [*_EVALUATIONS, 11])
        places = [0, 24, 32, 32 + 5 * 16, 32 + 7 * 16]
        self.assertAllClose(curve["epoch"], np.array(places) / 51, 1e-12, 1e-12)
        self.assertEqual(curve["batch_size"], [None, 8, 8, 16, 16])
        rates = [None, *np.float32([0.02, 0.02, 0.01, 0.01]).tolist()]
        self.assertEqual(curve["learning_rate"], rates)
        alone = made_up_runs.ready(run)
        calls = [(0, 3), (3, 4), (4, 9), (9, 11)]
        means = [alone.take_steps(*call).mean(0, dtype=np.float64) for call in calls]
        for column, name in enumerate(("batch_cross_entropy", "batch_accuracy")):
            expected = [mean[column] for mean in means]
            self.assertAllClose(curve[name][1:], expected, 1e-6, 1e-6)
        for part in ("test", "validation", "train"):
            for name, value in alone.evaluate(part).items():
                self.assertAllClose(record.final[name], value, 1e-6, 1e-6)
                if part != "train":
                    self.assertEqual(curve[name][-1], record.final[name])
        untrained = made_up_runs.ready(run).evaluate("test")
        self.assertEqual(curve["test_accuracy"][0], untrained["test_accuracy"])

    def test_progress_describes_its_steps(self):
        with mock.patch.object(run_loop, "_SECONDS_PER_CALL", 0.0):
            record = self.train(_run(), self.folder())
        self.assertEqual([each.step for each in self.recorder.seen], list(range(1, 12)))
        recorded = [each.step for each in self.recorder.seen if each.record]
        self.assertEqual(recorded, [*_EVALUATIONS[1:], 11])
        mean = np.mean(
            [each.metrics["cross_entropy"] for each in self.recorder.seen[4:9]]
        )
        self.assertAllClose(mean, record.curve["batch_cross_entropy"][3], 1e-6, 1e-6)
        self.assertGreater(
            min(each.images_per_second for each in self.recorder.seen), 0
        )

    def test_learns(self):
        run = made_up_runs.run(
            num_steps=150, batch_size=20, data_settings={"augmentation": "flip"}
        )
        final = self.train(run, self.folder()).final
        self.assertGreater(final["test_accuracy"], 0.8)  # chance is 1/4

    def test_a_finished_run_is_not_trained_again(self):
        run, path = _run(), self.folder()
        first = self.train(run, path)
        with mock.patch.object(trainee, "Trainee", side_effect=AssertionError):
            second = self.train(run, path)
        self.assertEqual(first.curve, second.curve)
        self.assertEqual(first.final, second.final)
        self.assertEqual((second.status, self.recorder.starts), ("completed", [0]))

    def test_the_model_predicts_what_was_measured(self):
        path = self.folder()
        final = self.train(_run(made_up_runs.ghost()), path).final
        model = keras.models.load_model(path / "model.keras")
        measured = made_up_runs.ready(_run(made_up_runs.ghost()))
        for ours, theirs in zip(measured.model.variables, model.variables, strict=True):
            ours.assign(theirs)
        for part in ("train", "validation", "test"):
            for name, value in measured.evaluate(part).items():
                self.assertEqual(value, final[name])

    @parameterized.parameters(0.0, 1e9)
    def test_a_run_that_diverges_is_a_result(self, seconds_per_call):
        run, path = _run(learning_rate=1e12), self.folder()
        with mock.patch.object(run_loop, "_SECONDS_PER_CALL", seconds_per_call):
            record = self.train(run, path)
        self.assertEqual((record.status, record.final), ("diverged", {}))
        self.assertNotEmpty(record.curve["step"])
        self.assertLess(len(record.curve["step"]), 5)
        for values in record.curve.values():
            self.assertTrue(np.isfinite(values[0]))
        self.assertFalse((path / "model.keras").exists())
        summary = sealed_json.read(path / "summary.json", None)
        self.assertEqual(summary["status"], "diverged")
        alone = made_up_runs.ready(run)
        losses = [alone.take_steps(step, step + 1)[0, 0] for step in range(11)]
        self.assertEqual(summary["step"], 1 + int(np.isfinite(losses).argmin()))
        with mock.patch.object(trainee, "Trainee", side_effect=AssertionError):
            again = self.train(run, path)
        self.assertEqual(again.status, "diverged")
        self.assertEqual(again.curve, record.curve)

    def test_a_run_that_diverges_stops_soon(self):
        run = made_up_runs.run(num_steps=500, learning_rate=1e12)
        path = self.folder()
        record = self.train(run, path)
        self.assertEqual((record.status, record.curve), ("diverged", {}))
        summary = sealed_json.read(path / "summary.json", None)
        self.assertLess(summary["step"], 100)
        for progress in self.recorder.seen:
            self.assertTrue(np.isfinite(progress.metrics["cross_entropy"]))


if __name__ == "__main__":
    tf.test.main()
