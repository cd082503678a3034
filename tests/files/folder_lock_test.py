"""Tests of the lock of an output folder."""

import os
import pathlib
import subprocess
import sys
from unittest import mock

from absl.testing import absltest

from bsgen import errors
from bsgen.files import folder_lock

_ROOT = pathlib.Path(__file__).parents[1]
_HOLD = """
import sys
from bsgen.files import folder_lock
with folder_lock.FolderLock(sys.argv[1]):
    print("taken", flush=True)
    sys.stdin.read()
"""


class FolderLockTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir().full_path) / "a" / "b"

    def assert_in_use(self, owner):
        with self.assertRaises(errors.UserError) as raised:
            folder_lock.FolderLock(self.path).take()
        remedy = f"in use by {owner}; wait for it, or choose another folder"
        self.assertEqual(str(raised.exception), f"output_dir='{self.path}': {remedy}")

    def test_excludes_until_it_is_released(self):
        with folder_lock.FolderLock(self.path):
            self.assert_in_use(f"process {os.getpid()}")
        with folder_lock.FolderLock(self.path) as again:
            again.release()
            again.release()
            again.take()
            self.assert_in_use(f"process {os.getpid()}")

    def test_a_killed_process_gives_it_back(self):
        holder = subprocess.Popen(
            [sys.executable, "-c", _HOLD, str(self.path)],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with holder:
            self.assertEqual(holder.stdout.readline(), "taken\n")
            self.assert_in_use(f"process {holder.pid}")
            holder.kill()
        with folder_lock.FolderLock(self.path):
            self.assert_in_use(f"process {os.getpid()}")

    def test_names_another_machine(self):
        with mock.patch("socket.gethostname", return_value="far"):
            lock = folder_lock.FolderLock(self.path)
            lock.take()
        self.addCleanup(lock.release)
        self.assert_in_use(f"process {os.getpid()} on far")

    def test_an_owner_without_a_name(self):
        """As in the moment between taking the lock and writing the name."""
        with folder_lock.FolderLock(self.path):
            for content in (b"", b"\xff one\n", b"1 2 3\n"):
                (self.path / ".lock").write_bytes(content)
                self.assert_in_use("another process")

    def test_a_folder_that_cannot_be_written(self):
        self.path.parent.write_text("a file")
        with self.assertRaisesRegex(errors.UserError, "cannot write there"):
            folder_lock.FolderLock(self.path).take()


if __name__ == "__main__":
    absltest.main()
