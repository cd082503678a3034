"""`launch.train` as a process: stops, continues, refuses and records."""

import hashlib
import pathlib
import re
import signal

import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from bsgen.training import checkpoints
from tests.launch import process
from tests.training import metrics_file

_NETWORK = ("--model=normalized_mlp", "--hidden_units=16,16", "--ghost_batch_size=16")
_DATA = ("--train_size=1000", "--batch_size=32")
_LONG = ("--steps=2000", "--evaluation_steps=50", "--deterministic", "--l2=0.001")
_FLAGS = (*_NETWORK, *_DATA, *_LONG)
_TIMINGS = {"seconds", "images_per_second"}


def _records(folder, timed=False):
    return [
        {name: record[name] for name in record if timed or name not in _TIMINGS}
        for record in metrics_file.read(folder)
    ]


def _contents(folder):
    """Returns digests, which are short in a message, of all files but the lock."""
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


class TrainTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)
        self.output = self.folder / "run"

    def _train(self, *flags, output=None):
        done = process.run("train", *flags, f"--output_dir={output or self.output}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEmpty(done.stderr)
        return done.stdout

    def _stop(self, number, *flags):
        """Asks a run to stop after some records; returns its last lines."""
        started = process.start_train(*flags, f"--output_dir={self.output}", held=True)
        self.addCleanup(started.kill)
        for _ in range(4):
            process.read_until(started, "step ")
        started.send_signal(number)
        return started.communicate()[0].splitlines(), started.returncode

    def _assert_refused(self, message, *flags):
        before = _contents(self.folder)
        done = process.run("train", *flags, f"--output_dir={self.output}")
        self.assertEqual(done.returncode, 1, done)
        self.assertLen(done.stderr.splitlines(), 1, done.stderr)
        self.assertRegex(done.stderr, f"^error: output_dir='{self.output}': {message}")
        self.assertEqual(_contents(self.folder), before)

    def test_asked_to_stop(self):
        stops = []
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            lines, returned = self._stop(number, *_FLAGS)
            self.assertEqual(returned, code)
            self.assertRegex(
                lines[-1],
                r"^stopped after step \d+; saved: the same command continues",
            )
            stops.append(int(re.search(r"\d+", lines[-1])[0]))
            newest = checkpoints.load_latest(self.output, self.fail)
            self.assertEqual(newest.step, stops[-1])
            steps = [record["step"] for record in _records(self.output)]
            self.assertEqual(steps, [*range(50, stops[-1] + 1, 50)])
        self.assertBetween(stops[0], 200, stops[1] - 200)
        self.assertLess(stops[1], 2000)
        words = self._train(*_FLAGS, "--resume=must")
        self.assertIn(f"continuing after step {stops[-1]:,} of 2,000", words)
        whole = self.folder / "whole"
        self._train(*_FLAGS, output=whole)
        self.assertEqual(_records(self.output), _records(whole))
        expected, found = (
            checkpoints.load_latest(folder, self.fail)
            for folder in (whole, self.output)
        )
        self.assertEqual(found.step, 2000)
        for name, array in found.arrays.items():
            np.testing.assert_array_equal(array, expected.arrays[name], name)

    def test_what_is_in_the_folder_decides(self):
        short = (*_NETWORK, *_DATA, "--steps=20", "--evaluation_steps=10")
        short += ("--evaluations_per_decade=2", "--weight_distance")
        words = self._train(*short)
        self.assertNotIn("already", words)
        first = _records(self.output)
        # Besides, four from 1 to 20 that are evenly spaced on a logarithmic axis.
        steps = [0, 1, 3, 7, 10, 20]
        self.assertEqual([record["step"] for record in first], steps)
        self.assertRegex(words, r"step 20 .*; weight distance \d\.\d+; .* examples/s")
        distances = [record["weight_distance"] for record in first]
        self.assertEqual(distances[0], 0.0)
        self.assertLess(first[-1]["first_kernel_distance"], distances[-1])

        with self.subTest("started again"):
            before = _contents(self.output)
            words = self._train(*short).splitlines()
            self.assertEqual(words[1], "already finished; nothing was done")
            self.assertRegex(words[2], r"^test accuracy 0\.\d{4}; all of it is in ")
            self.assertLen(words, 3)
            self.assertEqual(_contents(self.output), before)

        with self.subTest("another configuration"):
            self._assert_refused(
                r"holds another run; differs in: .*batch_size 32 -> 64.*"
                r"optimizer\.momentum 0\.9 -> 0\.5.*--resume=never",
                *short,
                "--batch_size=64",
                "--momentum=0.5",
            )

        with self.subTest("a checkpoint of another model"):
            stranger = self.output.rename(self.folder / "stranger")
            self.output.mkdir()
            for path in stranger.glob("checkpoint*"):
                (self.output / path.name).write_bytes(path.read_bytes())
            other = (*short, "--seed=1")
            self._assert_refused(r"holds checkpoint-00000010.npz but no config", *other)
            config = (stranger / "config.json").read_bytes()
            (self.output / "config.json").write_bytes(config)
            checkpoints.remove_all(self.output)
            foreign = checkpoints.load_latest(stranger, self.fail)
            foreign.info["key"] = "another"
            checkpoints.save(self.output, foreign)
            self._assert_refused("its checkpoint of step 20 is another run's", *short)

        with self.subTest("begins anew"):
            words = self._train(*short, "--resume=never")
            self.assertNotIn("continuing", words)
            self.assertNotIn("already", words)
            self.assertEqual(
                [record["step"] for record in _records(self.output)], steps
            )

    def test_nothing_to_continue(self):
        self._assert_refused("holds no run to continue", *_FLAGS, "--resume=must")
        self.assertFalse(self.output.exists())

    def test_a_folder_in_use(self):
        flags = (*_NETWORK, *_DATA, "--steps=1000000", "--evaluation_steps=1000")
        output = f"--output_dir={self.output}"
        started = process.start_train(*flags, output, held=True)
        self.addCleanup(started.communicate)
        self.addCleanup(started.kill)
        process.read_until(started, "step 1,000 ")
        done = process.run("train", *flags, output)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(
            done.stderr,
            f"error: output_dir='{self.output}': in use by process {started.pid}; "
            "wait for it, or choose another folder\n",
        )
        self.assertIsNone(started.poll())

    def test_tensorboard(self):
        """Event files hold the records, each step once, after a stop too."""
        flags = (*_FLAGS, "--tensorboard", "--validation_size=50")
        lines, code = self._stop(signal.SIGTERM, *flags)
        self.assertEqual(code, 143, lines)
        self._train(*flags)
        scalars = {}
        for path in (self.output / "tensorboard").iterdir():
            for event in tf.compat.v1.train.summary_iterator(str(path)):
                for value in event.summary.value:
                    self.assertEqual(value.metadata.plugin_data.plugin_name, "scalars")
                    number = tf.make_ndarray(value.tensor).item()
                    place = (event.step, value.tag)
                    self.assertNotIn(place, scalars)
                    scalars[place] = number
        expected = {
            (record["step"], name): float(np.float32(value))
            for record in _records(self.output, timed=True)
            for name, value in record.items()
            if name != "step"
        }
        self.assertLen({step for step, _ in expected}, 40)
        self.assertEqual(scalars, expected)


if __name__ == "__main__":
    absltest.main()
