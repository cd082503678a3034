"""Tests of the one table of all benchmarks on a GPU."""

import contextlib
import json
import pathlib
import signal
import subprocess
import sys
from unittest import mock

import tensorflow as tf

from benchmarks import device, gpu

_CARD = device.Device("A card", True, 2e12)


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
        case = self

        class Process:
            def __init__(self, name, options):
                self.returncode = int(name == "ensemble")
                self._is_slow = name == "train_step"
                rounds, tables = options
                case.assertEqual(rounds, "--rounds=1")
                table = {"title": name, "columns": ["", "ms"], "rows": [["us", "2"]]}
                with open(tables.removeprefix("--tables_file="), "a") as kept:
                    print(json.dumps(table), file=kept)

            def communicate(self, line, timeout):
                case.assertEqual(device.Device(*json.loads(line)), _CARD)
                if self._is_slow:
                    raise subprocess.TimeoutExpired("train_step", timeout)

        def begun(name, options):
            return contextlib.nullcontext(Process(name, options))

        output = pathlib.Path(self.create_tempdir().full_path, "new", "bench_gpu.md")
        with (
            mock.patch.object(device, "find", lambda: _CARD),
            mock.patch.object(gpu, "_begun", begun),
        ):
            self.assertFalse(gpu.measure(output, most_seconds=100))
        head, _, *lines = output.read_text().splitlines()
        self.assertEqual(
            head,
            "A card, copies at 2,000 GB/s; ensemble failed after 0 s; "
            "train_step cut after 80 s; ghost_batch_norm ended after 0 s.",
        )
        self.assertLen(lines, 2 + 3)
        self.assertStartsWith(lines[-1], "| ghost_batch_norm | us | 2 ms |")

    def test_a_benchmark_ends_with_all_its_processes(self):
        with gpu._begun("device", ()) as process:
            self.assertEqual(gpu._wait(process, _CARD, 60.0)[0], True)
        with gpu._begun("device", ()) as process:
            pass
        self.assertEqual(process.returncode, -signal.SIGKILL)

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
