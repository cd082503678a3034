"""Tests of `bsgen.data.importers.staging`."""

import os
import pathlib
import signal
import subprocess
import sys

from absl.testing import absltest

from bsgen import errors
from bsgen.data import prepared
from bsgen.data.importers import staging

_WORK = """
import pathlib, sys, time
from bsgen.data.importers import staging
with staging.staged("mnist", pathlib.Path(sys.argv[1]), force=False) as folder:
    (folder / "mnist" / "3.0.1").mkdir(parents=True)
    (folder / "mnist" / "3.0.1" / "dataset_info.json").touch()
    print("working", flush=True)
    time.sleep(60)
"""


def _build(folder, content):
    version = folder / "mnist" / "3.0.1"
    version.mkdir(parents=True)
    (version / "dataset_info.json").write_text(content)


class StagingTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.data_dir = pathlib.Path(self.create_tempdir().full_path) / "new" / "data"

    def _content(self):
        return (self.data_dir / "mnist/3.0.1/dataset_info.json").read_text()

    def test_publishes_at_the_end_only(self):
        with staging.staged("mnist", self.data_dir, force=False) as folder:
            _build(folder, "first")
            self.assertIsNone(prepared.find("mnist", self.data_dir))
        self.assertEqual(self._content(), "first")
        self.assertEqual([path.name for path in self.data_dir.iterdir()], ["mnist"])

    def test_replaces_only_when_told(self):
        with staging.staged("mnist", self.data_dir, force=False) as folder:
            _build(folder, "first")
        with (
            self.assertRaisesRegex(
                errors.UserError, "prepared there already; .*--force"
            ),
            staging.staged("mnist", self.data_dir, force=False),
        ):
            self.fail("must not get here")
        with staging.staged("mnist", self.data_dir, force=True) as folder:
            _build(folder, "second")
            self.assertEqual(self._content(), "first")
        self.assertEqual(self._content(), "second")

    def test_failure_leaves_the_old_one_and_nothing_else(self):
        with staging.staged("mnist", self.data_dir, force=False) as folder:
            _build(folder, "first")
        with (
            self.assertRaises(KeyboardInterrupt),
            staging.staged("mnist", self.data_dir, force=True) as folder,
        ):
            _build(folder, "second")
            raise KeyboardInterrupt
        self.assertEqual(self._content(), "first")
        self.assertEqual([path.name for path in self.data_dir.iterdir()], ["mnist"])

    def test_killed_process(self):
        worker = subprocess.Popen(
            [sys.executable, "-c", _WORK, str(self.data_dir)], stdout=subprocess.PIPE
        )
        with worker:
            self.assertEqual(worker.stdout.readline(), b"working\n")
            with (
                self.assertRaisesRegex(
                    errors.UserError, f"^data_dir=.*in use by process {worker.pid};"
                ),
                staging.staged("mnist", self.data_dir, force=False),
            ):
                self.fail("must not get here")
            os.kill(worker.pid, signal.SIGKILL)
        self.assertIsNone(prepared.find("mnist", self.data_dir))
        with staging.staged("mnist", self.data_dir, force=False) as folder:
            self.assertEqual([path.name for path in folder.iterdir()], [".lock"])
            _build(folder, "again")
        self.assertEqual(self._content(), "again")
        self.assertEqual([path.name for path in self.data_dir.iterdir()], ["mnist"])

    def test_folder_that_cannot_be_made(self):
        self.data_dir.parent.mkdir()
        self.data_dir.write_text("a file")
        with (
            self.assertRaisesRegex(errors.UserError, "data_dir=.*cannot write there"),
            staging.staged("mnist", self.data_dir, force=False),
        ):
            self.fail("must not get here")


if __name__ == "__main__":
    absltest.main()
