"""Tests of the record of the software that made a result."""

import os
import pathlib
import platform
import subprocess
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import absltest

from bsgen.training import provenance


class ProvenanceTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.create_tempdir().full_path)

    def _git(self, *arguments):
        identity = {"AUTHOR": "a", "COMMITTER": "c"}
        variables = {f"GIT_{who}_NAME": name for who, name in identity.items()}
        variables |= {f"GIT_{who}_EMAIL": f"{n}@x.y" for who, n in identity.items()}
        done = subprocess.run(
            ["git", "-C", str(self.root), *arguments],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def test_versions(self):
        found = provenance.versions()
        self.assertEqual(found["numpy"], np.__version__)
        self.assertEqual(found["python"], platform.python_version())
        self.assertEqual(
            set(found), {"bsgen", "tensorflow", "keras", "numpy", "python"}
        )

    def test_hardware_of_cpus(self):
        found = provenance.hardware("loop")
        expected = {"tensorflow": tf.__version__, "engine": "loop"}
        self.assertEqual(found, {"device": provenance.processor(), **expected})
        number = len(os.sched_getaffinity(0))
        self.assertRegex(found["device"], rf"^\w.*, {number} cores?$")
        for count, words in ((1, "1 core"), (2, "2 cores")):
            with mock.patch.object(provenance, "num_cores", return_value=count):
                self.assertEndsWith(provenance.processor.__wrapped__(), f", {words}")
        two = provenance.hardware("loop", num_replicas=4, num_workers=2)
        self.assertEqual(two["device"], "4 x CPU, 2 workers")
        alone = {"device": provenance.processor(), "numpy": np.__version__}
        self.assertEqual(provenance.hardware("numpy"), {**alone, "engine": "numpy"})

    def test_hardware_of_gpus(self):
        """A machine with a card, as TensorFlow describes it."""
        provenance._card_and_version.cache_clear()
        self.addCleanup(provenance._card_and_version.cache_clear)
        details = {"device_name": "NVIDIA H200", "compute_capability": (9, 0)}
        with (
            mock.patch.object(tf.config, "list_physical_devices", lambda kind: ["a"]),
            mock.patch.object(
                tf.config.experimental, "get_device_details", {"a": details}.get
            ),
        ):
            one, two = (provenance.hardware("minima", n)["device"] for n in (1, 2))
            on_processor = provenance.hardware("numpy")["device"]
        self.assertEqual((one, two), ("NVIDIA H200", "2 x NVIDIA H200"))
        self.assertEqual(on_processor, provenance.processor())

    def test_commit_and_whether_a_file_has_changed_since(self):
        self.assertIsNone(provenance.commit(self.root))
        self._git("init", "-q")
        self.assertIsNone(provenance.commit(self.root))  # there is no commit yet
        (self.root / "file").write_text("old")
        self._git("add", "file")
        self._git("commit", "-q", "-m", "first")
        expected = self._git("rev-parse", "HEAD")
        self.assertEqual(provenance.commit(self.root), expected)
        (self.root / "file").write_text("another")
        self.assertEqual(provenance.commit(self.root), f"{expected}-dirty")

    def test_a_folder_inside_a_checkout_is_not_its_top(self):
        self._git("init", "-q")
        (self.root / "site-packages").mkdir()
        self.assertIsNone(provenance.commit(self.root / "site-packages"))

    def test_no_git_is_no_failure(self):
        (self.root / ".git").mkdir()
        with mock.patch("subprocess.run", side_effect=FileNotFoundError("git")):
            self.assertIsNone(provenance.commit(self.root))


if __name__ == "__main__":
    absltest.main()
