"""Tests of the one table of all benchmarks on a GPU."""

import subprocess
import sys

import tensorflow as tf

from benchmarks import gpu


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
