"""Training killed at any moment, again and again, ends as if nothing had happened.

BSGEN_KILLS=100 in the environment kills more often, and a convolutional network with
dropout too (some 15 minutes on two cores).
"""

import os
import pathlib
import signal
import time
import zipfile

import numpy as np
from absl.testing import absltest

from bsgen.files import sealed_json
from bsgen.training import checkpoints
from tests.launch import process
from tests.training import metrics_file

_KILLS = int(os.environ.get("BSGEN_KILLS", "8"))
_KINDS = ("save", "train", "start", "save")
_NUM_STEPS, _EVERY = 200 * _KILLS, 50
_SECONDS = 240 + 6 * _KILLS  # of one process at most: the machine may be busy
_TIMINGS = {"seconds", "images_per_second"}
_FLAGS = (
    "--train_size=1000",
    "--validation_size=100",
    "--batch_size=16",
    # Two compiled programs, and a learning rate that changes with every step.
    "--batch_size_schedule=cyclic factors=1,2 period=20",
    "--warm_up_epochs=10",
    "--l2=0.001",
    "--ghost_batch_size=16",
    "--deterministic",
    f"--steps={_NUM_STEPS}",
    f"--evaluation_steps={_EVERY}",
    # Saves between evaluations too, wherever a call ends.
    "--checkpoint_seconds=0",
)


def _untimed(records):
    return [
        {name: value for name, value in record.items() if name not in _TIMINGS}
        for record in records
    ]


def _unfinished(folder):
    """Returns the files that are being written, or were when their writer died."""
    own = (".checkpoint", ".metrics", ".config", ".summary", ".model")
    return [name for name in os.listdir(folder) if name.startswith(own)]


def _checkpoints(folder):
    return {name for name in os.listdir(folder) if name.startswith("checkpoint")}


def _wait(started, condition):
    while started.poll() is None and not condition():
        time.sleep(1e-4)  # a file takes a few milliseconds


def _holds_writing(started, folder):
    """Halts a process if a file is being written; lets it go if it was too quick."""
    if not _unfinished(folder):
        return False
    started.send_signal(signal.SIGSTOP)
    if not _unfinished(folder):
        started.send_signal(signal.SIGCONT)
        return False
    return True


def _weights(folder):
    with zipfile.ZipFile(folder / "model.keras") as archive:
        return archive.read("model.weights.h5")


class KillTest(absltest.TestCase):
    def _start(self, folder, *flags):
        started = process.start_train(
            *_FLAGS, *flags, f"--output_dir={folder}", seconds=_SECONDS
        )
        self.addCleanup(started.stdout.close)
        self.addCleanup(started.kill)
        return started

    def _kill_later(self, kind, started, folder, generator):
        """Kills a process at a random moment; returns whether it was still running."""
        if kind == "start":
            time.sleep(generator.uniform(0, 1))
        else:
            process.read_until(started, "continuing", "step")
        if kind == "train":
            for _ in range(generator.integers(1, 8)):
                process.read_until(started, "step")
            time.sleep(generator.uniform(0, 0.05))  # about one evaluation
        elif kind == "save":
            # The first calls are short, and end between evaluations.
            for _ in range(generator.integers(1, 6)):
                there = _checkpoints(folder)
                _wait(started, lambda there=there: _checkpoints(folder) != there)
            _wait(started, lambda: _holds_writing(started, folder))
        started.kill()
        return started.wait() == -9

    def _assert_nothing_lost(self, folder, before):
        """Checks what a killed process left; returns its records."""
        left = metrics_file.read(folder)
        steps = [record["step"] for record in left]
        self.assertEqual(steps, [_EVERY * (i + 1) for i in range(len(steps))])
        self.assertEqual(left[: len(before)], before)
        warnings = []
        newest = checkpoints.load_latest(folder, warnings.append)
        self.assertEmpty(warnings)
        if left:
            history = newest.info["state"]["history"]
            self.assertEqual(history[: len(left)], left)
            self.assertLessEqual(len(history), len(left) + 1)
        return left, newest.step if newest else 0

    def _assert_survives_kills(self, *flags):
        generator = np.random.default_rng(_KILLS)
        root = pathlib.Path(self.create_tempdir().full_path)
        whole, killed = root / "whole", root / "killed"
        done = process.run(
            "train", *_FLAGS, *flags, f"--output_dir={whole}", seconds=_SECONDS
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        records, stops, torn = [], [], 0
        for number in range(_KILLS):
            started = self._start(killed, *flags)
            kind = _KINDS[number % len(_KINDS)]
            if not self._kill_later(kind, started, killed, generator):
                break  # this machine trains while it does not run us
            records, step = self._assert_nothing_lost(killed, records)
            torn += killed.exists() and bool(_unfinished(killed))
            stops.append(step)
        self._kill_at_the_end(killed, *flags)
        last = self._start(killed, *flags)
        words = last.communicate()[0]
        self.assertEqual(last.returncode, 0, words)
        print(f"killed after steps {stops}; {torn} while a file was being written")
        self.assertEqual(stops, sorted(stops))
        self.assertGreater(len(set(stops)), _KILLS // 2)
        self.assertTrue(any(step % _EVERY for step in stops))
        self.assertGreater(torn, 0)
        self._assert_equal_runs(whole, killed)

    def _kill_at_the_end(self, folder, *flags):
        """Kills a process after its last step, before its summary is there."""
        started = self._start(folder, *flags)
        process.read_until(started, f"step {_NUM_STEPS:,} ")
        started.kill()
        started.wait()
        records, step = self._assert_nothing_lost(folder, [])
        self.assertEqual((records[-1]["step"], step), (_NUM_STEPS, _NUM_STEPS))

    def _assert_equal_runs(self, whole, killed):
        files = sorted(path.name for path in killed.iterdir())
        checkpoint = f"checkpoint-{_NUM_STEPS:08d}.npz"
        self.assertEqual(files[2], checkpoint, files)
        others = "config.json metrics.jsonl model.keras summary.json".split()
        self.assertEqual(files[:1] + files[3:], [".lock", *others])
        self.assertEqual(
            _untimed(metrics_file.read(killed)), _untimed(metrics_file.read(whole))
        )
        self.assertLen(metrics_file.read(killed), _NUM_STEPS // _EVERY)
        expected, found = (
            checkpoints.load_latest(folder, self.fail) for folder in (whole, killed)
        )
        self.assertEqual(found.step, _NUM_STEPS)
        self.assertEqual(found.arrays.keys(), expected.arrays.keys())
        for name, array in found.arrays.items():
            np.testing.assert_array_equal(array, expected.arrays[name], name)
        summaries = [
            sealed_json.read(folder / "summary.json", None)
            for folder in (whole, killed)
        ]
        for summary in summaries:
            self.assertGreater(summary.pop("seconds"), 0)
            del summary["commit"]  # whoever works on the project may make one
        self.assertEqual(*summaries)
        self.assertEqual(summaries[0]["status"], "completed")
        self.assertEqual(_weights(killed), _weights(whole))

    def test_dense_network(self):
        self._assert_survives_kills("--model=normalized_mlp", "--hidden_units=32,32")

    @absltest.skipIf(_KILLS <= 8, "the longer version")
    def test_convolutional_network_with_dropout(self):
        self._assert_survives_kills("--model=c1")


if __name__ == "__main__":
    absltest.main()
