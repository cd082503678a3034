"""Runs the tests of the flags of a large batch in a process of their own."""

import subprocess
import sys

from absl.testing import absltest

from tests.launch import process


class LargeBatchFlagsTest(absltest.TestCase):
    def test_all(self):
        command = [sys.executable, "-m", "tests.launch.large_batch_flags"]
        done = subprocess.run(command, cwd=process.ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"Ran \d\d tests.*\n+OK")


if __name__ == "__main__":
    absltest.main()
