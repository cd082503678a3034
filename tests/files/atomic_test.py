"""Tests of files that are written whole or not at all."""

import os
import pathlib
import subprocess
import sys
from unittest import mock

from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.files import atomic


class AtomicTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir().full_path) / "a" / "b.txt"

    def test_replaces_and_leaves_nothing_else(self):
        for content in (b"one", memoryview(b"two")):
            atomic.write(self.path, content)
            self.assertEqual(self.path.read_bytes(), content)
        self.assertEqual(list(self.path.parent.iterdir()), [self.path])

    def test_writes_by_a_function_of_a_path(self):
        for content in (b"one", b"two"):
            atomic.write_by(self.path, lambda path, c=content: path.write_bytes(c))
            self.assertEqual(self.path.read_bytes(), content)
        self.assertEqual(list(self.path.parent.iterdir()), [self.path])

        def fail(path):
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")

        with self.assertRaisesRegex(errors.UserError, "No space left"):
            atomic.write_by(self.path, fail)
        self.assertEqual(self.path.read_bytes(), b"two")
        self.assertEqual(list(self.path.parent.iterdir()), [self.path])

    @parameterized.parameters("os.fsync", "os.replace")
    def test_a_failure_keeps_the_old_file_and_leaves_nothing_else(self, call):
        atomic.write(self.path, b"old")
        full = OSError(28, "No space left on device")
        with mock.patch(call, side_effect=full):
            with self.assertRaisesRegex(errors.UserError, "No space left"):
                atomic.write(self.path, b"new")
        self.assertEqual(self.path.read_bytes(), b"old")
        self.assertEqual(list(self.path.parent.iterdir()), [self.path])

    def test_file_comes_to_the_disk_before_its_name(self):
        calls = mock.Mock()
        with (
            mock.patch("os.fsync", side_effect=calls.sync),
            mock.patch("os.replace", side_effect=lambda *_: calls.move()),
            mock.patch.object(pathlib.Path, "unlink"),
        ):
            atomic.write(self.path, b"new")
        names = [call[0] for call in calls.mock_calls]
        self.assertEqual(names, ["sync", "move", "sync"])

    def test_only_what_dead_processes_left_is_removed(self):
        done = subprocess.Popen([sys.executable, "-c", ""])
        done.wait()
        folder = self.path.parent
        folder.mkdir()
        kept = {f".b.txt.{os.getpid()}", ".b.txt.old", f".c.txt.{done.pid}", "b.txt.9"}
        for name in {*kept, f".b.txt.{done.pid}", ".b.txt." + "9" * 30}:
            (folder / name).touch()
        half_written = folder / f".b.keras.{done.pid}"
        half_written.mkdir()
        (half_written / "b.keras").touch()
        atomic.remove_stale(folder, "b.*")
        self.assertEqual({path.name for path in folder.iterdir()}, kept)


if __name__ == "__main__":
    absltest.main()
