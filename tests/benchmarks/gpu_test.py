"""Tests of the one table of all benchmarks on a GPU."""

import json
import pathlib
import subprocess
import sys
from unittest import mock

import tensorflow as tf

from benchmarks import device, gpu


class GpuTest(tf.test.TestCase):
    def test_tables_become_one(self):
        first = {
            "title": "speed",
            "columns": ["", "steps / s", "least-most", "ours / it", "least-most"],
            "rows": [["ours", "30", "29-31", "1.00", "1-1"]],
        }
        second = {
            "title": "time",
            "columns": ["", "ms", "/ Keras", "/ floor"],
            "rows": [["ours", "2.0", "0.50", "1.5"], ["memory floor", "1.3"]],
        }
        self.assertEqual(
            gpu.markdown([first, second]).splitlines(),
            [
                "| problem | contender | measured | ours / it | / Keras | / floor |",
                "|---|---|---|---|---|---|",
                "| speed | ours | 30 steps / s | 1.00 |  |  |",
                "| time | ours | 2.0 ms |  | 0.50 | 1.5 |",
                "| time | memory floor | 1.3 ms |  |  |  |",
            ],
        )

    def test_what_fails_or_is_cut_leaves_what_it_had_measured(self):
        def run(command, timeout):
            name = command[2].removeprefix("benchmarks.")
            table = {"title": name, "columns": ["", "ms"], "rows": [["ours", "2.0"]]}
            file = command[-1].removeprefix("--tables_file=")
            with open(file, "a") as kept:
                print(json.dumps(table), file=kept)
            if name == "ghost_batch_norm":
                raise subprocess.TimeoutExpired(command, timeout)
            return subprocess.CompletedProcess(command, int(name == "ensemble"))

        output = pathlib.Path(self.create_tempdir().full_path, "new", "bench_gpu.md")
        card = device.Device("A card", True, 2e12)
        with mock.patch.object(subprocess, "run", run):
            self.assertFalse(gpu.measure(card, output, most_seconds=100))
        head, _, *lines = output.read_text().splitlines()
        self.assertEqual(
            head,
            "A card, copies at 2,000 GB/s; ensemble failed after 0 s; "
            "ghost_batch_norm was cut after 40 s; train_step ended after 0 s.",
        )
        self.assertLen(lines, 2 + 3)
        self.assertStartsWith(lines[-1], "| train_step | ours | 2.0 ms |")

    def test_without_a_gpu_it_ends_with_one_line(self):
        if tf.config.list_physical_devices("GPU"):
            self.skipTest("there is a GPU")
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.gpu"], capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 1)
        self.assertEmpty(done.stdout)
        self.assertLen(done.stderr.splitlines(), 1)
        self.assertIn("no GPU", done.stderr)


if __name__ == "__main__":
    tf.test.main()
