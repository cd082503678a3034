"""Tests of `bsgen.training.loop.event_files`, read back as TensorBoard reads them."""

import pathlib
import shutil

import numpy as np
import tensorflow as tf

from bsgen.training import loop
from bsgen.training.loop import event_files
from tests.training import made_up_runs


def _events(folder):
    """Returns (step, name) -> value of all event files of a run's folder."""
    found = []
    for path in sorted((folder / "tensorboard").iterdir()):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name != "scalars":
                    raise ValueError(f"{value.tag} is no scalar")
                number = tf.make_ndarray(value.tensor).item()
                found.append(((event.step, value.tag), number))
    if len(dict(found)) != len(found):
        raise ValueError("a value was written twice")
    return dict(found)


class EventFilesTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir().full_path)

    def test_holds_each_value_once(self):
        history = [{"step": 0, "test_accuracy": 0.5}, {"step": 3, "batch_size": 8}]
        files = event_files.EventFiles(self.path, history, self.fail)
        files.write({"step": 7, "test_accuracy": 0.75})
        expected = {
            (0, "test_accuracy"): 0.5,
            (3, "batch_size"): 8.0,
            (7, "test_accuracy"): 0.75,
        }
        self.assertEqual(_events(self.path), expected)

    def test_begins_anew_with_the_history(self):
        first = event_files.EventFiles(self.path, [], self.fail)
        first.write({"step": 1, "test_accuracy": 0.5})
        first.write({"step": 2, "test_accuracy": 0.6})
        event_files.EventFiles(
            self.path, [{"step": 1, "test_accuracy": 0.5}], self.fail
        )
        self.assertEqual(_events(self.path), {(1, "test_accuracy"): 0.5})

    def test_a_place_that_is_taken_stops_nothing(self):
        (self.path / "tensorboard").write_text("a file")
        warnings = []
        history = [{"step": 0, "test_accuracy": 0.5}]
        files = event_files.EventFiles(self.path, history, warnings.append)
        files.write({"step": 7, "test_accuracy": 0.75})
        self.assertLen(warnings, 1)
        self.assertIn("cannot write TensorBoard's files (", warnings[0])
        self.assertEqual((self.path / "tensorboard").read_text(), "a file")

    def test_files_that_vanish_stop_nothing(self):
        files = event_files.EventFiles(self.path, (), self.fail)
        files.write({"step": 1, "test_accuracy": 0.75})
        shutil.rmtree(self.path / "tensorboard")
        (self.path / "tensorboard").write_text("a file")
        files.write({"step": 2, "test_accuracy": 0.75})

    def test_damaged_files_are_begun_anew(self):
        event_files.EventFiles(self.path, [], self.fail).write(
            {"step": 1, "test_accuracy": 0.5}
        )
        for path in (self.path / "tensorboard").iterdir():
            path.write_bytes(b"damaged")
        event_files.EventFiles(
            self.path, [{"step": 1, "test_accuracy": 0.75}], self.fail
        )
        self.assertEqual(_events(self.path), {(1, "test_accuracy"): 0.75})

    def test_a_run_writes_its_curve(self):
        run = made_up_runs.run(num_steps=4, evaluation_steps=(0, 2))
        with made_up_runs.source():
            record = loop.train(run, self.path / "run", loop.Options(write_events=True))
        curve = dict(record.curve)
        steps = curve.pop("step")
        expected = {
            (step, name): float(np.float32(value))
            for name, values in curve.items()
            for step, value in zip(steps, values, strict=True)
            if value is not None
        }
        self.assertEqual(_events(self.path / "run"), expected)


if __name__ == "__main__":
    tf.test.main()
