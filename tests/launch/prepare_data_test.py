"""Tests of `launch.prepare_data` and `launch.entry`, in processes of their own."""

import pathlib
import subprocess
import sys

import numpy as np
from absl.testing import absltest

from tests.launch import process

_INTERRUPTED = """
from launch import entry
def main(arguments):
    raise KeyboardInterrupt
entry.run(main)
"""


def _run(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], cwd=process.ROOT, capture_output=True, text=True
    )


def _prepare(**flags):
    return process.run("prepare_data", *(f"--{k}={v}" for k, v in flags.items()))


class PrepareDataTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)

    def test_import(self):
        generator = np.random.default_rng(0)
        for split, size in (("train", 20), ("test", 10)):
            np.savez(
                self.folder / f"mnist_{split}.npz",
                images=generator.integers(0, 256, size=[size, 28, 28]).astype(np.uint8),
                labels=generator.integers(10, size=size),
            )
        data_dir = self.folder / "data"
        finished = _prepare(dataset="mnist", source=self.folder, data_dir=data_dir)
        place = data_dir / "mnist" / "3.0.1"
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.assertEqual(finished.stdout, f"mnist is ready in {place}\n")
        self.assertTrue((place / "dataset_info.json").is_file())
        again = _prepare(dataset="mnist", source=self.folder, data_dir=data_dir)
        self.assertEqual(again.returncode, 1)
        self.assertStartsWith(again.stderr, f"error: data_dir='{data_dir}': mnist is")

    def test_import_of_a_folder_that_holds_other_datasets_too(self):
        generator = np.random.default_rng(1)
        for name, shape in (("mnist", [28, 28]), ("cifar10", [32, 32, 3])):
            for split in ("train", "test"):
                images = generator.integers(0, 256, size=[10, *shape]).astype(np.uint8)
                labels = generator.integers(10, size=10)
                path = self.folder / f"{name}_{split}_subset.npz"
                np.savez(path, images=images, labels=labels)
        data_dir = self.folder / "data"
        finished = _prepare(dataset="cifar10", source=self.folder, data_dir=data_dir)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.assertEqual(
            finished.stdout, f"cifar10 is ready in {data_dir / 'cifar10' / '3.0.2'}\n"
        )

    def test_mistakes_are_one_line(self):
        for flags, message in (
            ({"source": self.folder / "no"}, "source='{}/no': there is no such file"),
            ({"dataset": "mnits", "source": "x"}, "dataset='mnits': unknown; did you"),
            (
                {"dataset": "imagenet2012"},
                "dataset='imagenet2012': this command cannot downl",
            ),
        ):
            finished = _prepare(data_dir=self.folder / "data", **flags)
            self.assertEqual(finished.returncode, 1)
            self.assertStartsWith(
                finished.stderr, "error: " + message.format(self.folder)
            )
            self.assertLen(finished.stderr.splitlines(), 1)

    def test_words_that_are_no_flags(self):
        finished = _run("-m", "launch.prepare_data", "mnist")
        self.assertEqual(finished.returncode, 1)
        self.assertStartsWith(finished.stderr, "error: argument='mnist': not a flag")

    def test_help_does_not_import_tensorflow(self):
        for launcher, *words in (
            ("prepare_data", "--source", "imagenet2012"),
            ("train", "--learning_rate", "cifar100", "resnet44", "crop_flip"),
            ("tune", "--oracle", "--min_batch_size", "cifar100", "resnet44"),
        ):
            name = f"launch.{launcher}"
            finished = _run("-X", "importtime", "-m", name, "--help")
            for word in words:
                self.assertIn(word, finished.stdout)
            self.assertIn("absl", finished.stderr)
            self.assertNotRegex(finished.stderr, r"\| +tensorflow\b")

    def test_interruption(self):
        finished = _run("-c", _INTERRUPTED)
        self.assertEqual(finished.returncode, 130)
        self.assertEqual(finished.stderr, "interrupted\n")


if __name__ == "__main__":
    absltest.main()
