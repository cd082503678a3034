"""Two workers on this machine: they equal one process, and none is left hanging."""

import pathlib
import signal
import time

import numpy as np
from absl.testing import absltest

from bsgen.files import folder_lock
from bsgen.training import checkpoints
from tests.launch import process
from tests.training import metrics_file

_NUM_STEPS, _EVERY = 200, 5
_FLAGS = (
    "--model=normalized_mlp",
    "--hidden_units=16,16",
    "--ghost_batch_size=16",
    "--batch_size=64",
    "--train_size=1000",
    "--l2=0.001",
    "--weight_distance",
    "--deterministic",
    f"--evaluation_steps={_EVERY}",
    f"--steps={_NUM_STEPS}",
)
_TIMINGS = {"seconds", "images_per_second"}
_LOST = (
    r"^error: TF_CONFIG='worker %d': lost another worker; start all of them again with "
    "the same commands, and the run continues from its last checkpoint$"
)


class WorkersTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)
        self.output = self.folder / "two"

    def _start(self, held=None, output=None):
        workers = process.start_workers(
            *_FLAGS, f"--output_dir={output or self.output}", held=held
        )
        for worker in workers:
            self.addCleanup(worker.stdout.close)
            self.addCleanup(worker.wait)
            self.addCleanup(worker.kill)
        return workers

    def _finish(self, workers, code=0):
        """Returns the lines of each worker, once all have ended."""
        lines = [worker.communicate()[0].splitlines() for worker in workers]
        self.assertEqual({worker.returncode for worker in workers}, {code}, lines)
        return lines

    def _line(self, lines, beginning):
        """Returns the only such line; TensorFlow may log something after it."""
        (line,) = (line for line in lines if line.startswith(beginning))
        return line

    def _state(self, folder):
        """Returns arrays and records of a finished run."""
        newest = checkpoints.load_latest(folder, self.fail)
        self.assertEqual(newest.step, _NUM_STEPS)
        records = metrics_file.read(folder)
        self.assertEqual(newest.info["state"]["history"], records)
        steps = [*range(_EVERY, _NUM_STEPS + 1, _EVERY)]
        self.assertEqual([record["step"] for record in records], steps)
        kept = [{k: r[k] for k in r if k not in _TIMINGS} for r in records]
        return newest.arrays, kept

    def _assert_equal_runs(self, expected, found):
        self.assertEqual(expected[0].keys(), found[0].keys())
        for name, array in expected[0].items():
            np.testing.assert_array_equal(found[0][name], array, name)
        self.assertEqual(found[1], expected[1])

    def test_ends_of_workers_and_the_whole(self):
        one = self.folder / "one"
        done = process.run("train", *_FLAGS, f"--steps={_EVERY}", f"--output_dir={one}")
        self.assertEqual(done.returncode, 0, done.stderr)
        whole = self.folder / "whole"
        self._finish(self._start(output=whole))
        expected = self._state(whole)

        with self.subTest("one process"):
            (alone,), first = metrics_file.read(one), expected[1][0]
            # Inference differs: workers average their running statistics.
            self.assertEqual(alone["batch_accuracy"], first["batch_accuracy"])
            # The sums over steps of 64 examples are rounded to 2^-24 in another order.
            losses = alone["batch_cross_entropy"], first["batch_cross_entropy"]
            self.assertAlmostEqual(*losses, delta=_EVERY * 64 * 2**-24)
            distances = alone["weight_distance"], first["weight_distance"]
            self.assertAlmostEqual(*distances, delta=1e-4 * distances[0])
            self.assertGreater(distances[0], 0.01)

        # Each is stopped some ten evaluations after its first line, of 40, at most.
        with self.subTest("a worker is asked to stop"):
            workers = self._start(held=0)
            process.read_until(workers[0], "step ")
            workers[1].send_signal(signal.SIGTERM)
            lines = self._finish(workers, code=143)
            one, other = (self._line(each, "stopped after step ") for each in lines)
            self.assertRegex(one, r"^stopped after step \d+; saved: ")
            self.assertEqual(one, other)

        with self.subTest("a worker is killed"):
            workers = self._start(held=0)
            line = process.read_until(workers[0], "step ")[-1]
            workers[1].kill()
            lines = self._finish(workers[:1], code=1)
            self.assertRegex(self._line(lines[0], "error"), _LOST % 0)
            newest = checkpoints.load_latest(self.output, self.fail)
            self.assertGreaterEqual(newest.step, int(line.split()[1]))

        with self.subTest("the chief is killed"):
            workers = self._start(held=1)
            words = process.read_until(workers[1], "step ")
            self.assertRegex("".join(words), r"\ncontinuing after step \d+ of 200\n")
            workers[0].kill()
            lines = self._finish(workers[1:], code=1)
            self.assertRegex(self._line(lines[0], "error"), _LOST % 1)

        with self.subTest("to the end"):
            lines = self._finish(self._start())
            accuracy = self._line(lines[0], "test accuracy ").split()[2]
            self.assertGreater(float(accuracy.rstrip(";")), 0.5)
            self._assert_equal_runs(expected, self._state(self.output))

        with self.subTest("again"):
            for each in self._finish(self._start()):
                self.assertIn("already finished; nothing was done", each)

    def test_a_mistake_of_the_chief_ends_all(self):
        with folder_lock.FolderLock(self.output):
            workers = self._start()
            lines = self._finish(workers, code=1)
        error = self._line(lines[0], "error")
        self.assertRegex(error, "^error: output_dir=.*: in use by process")
        self.assertRegex(self._line(lines[1], "error"), _LOST % 1)

    def test_a_worker_that_waits_can_be_ended(self):
        waiting, other = self._start()
        other.kill()
        process.read_until(waiting, "waiting for the other workers")
        time.sleep(1)
        waiting.send_signal(signal.SIGINT)
        self._finish([waiting], code=130)


if __name__ == "__main__":
    absltest.main()
