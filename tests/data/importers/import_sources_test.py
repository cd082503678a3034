"""Tests of finding out what a source holds, and of refusing what cannot be imported."""

import gzip
import os
import pathlib
import pickle
import shutil
import struct
import tarfile

import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.data import registry
from bsgen.data.importers import image_files
from tests.data.importers import csv_files_test

_MNIST = registry.find("mnist")
_GENERATOR = np.random.default_rng(0)
_EXAMPLES = {
    "train": (_GENERATOR.integers(0, 256, [20, 28, 28], np.uint8), np.arange(20) % 10),
    "test": (_GENERATOR.integers(0, 256, [7, 28, 28], np.uint8), np.arange(7)),
}
_COLOURS = {
    "train": (
        _GENERATOR.integers(0, 256, [10, 32, 32, 3], np.uint8),
        np.arange(10),
    ),
    "test": (_GENERATOR.integers(0, 256, [4, 32, 32, 3], np.uint8), np.arange(4)),
}


def write_idx(folder, compress=bytes, ending=""):
    folder.mkdir(parents=True, exist_ok=True)
    for split, prefix in (("train", "train"), ("test", "t10k")):
        images, labels = _EXAMPLES[split]
        for part, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            content = compress(header + array.astype(np.uint8).tobytes())
            (folder / f"{prefix}-{part}-ubyte{ending}").write_bytes(content)


def write_npz(path, **options):
    names = {"x_train": "train", "x_test": "test"}
    arrays = {name: _EXAMPLES[split][0] for name, split in names.items()}
    arrays |= {
        name.replace("x", "y"): _EXAMPLES[split][1] for name, split in names.items()
    }
    (np.savez_compressed if options.get("compressed") else np.savez)(path, **arrays)


def write_cifar(folder):
    """CIFAR-10's binary files."""
    folder.mkdir(parents=True, exist_ok=True)

    def records(images, labels):
        planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
        return np.column_stack([labels, planes]).astype(np.uint8).tobytes()

    images, labels = _COLOURS["train"]
    for number in range(5):
        part = slice(2 * number, 2 * number + 2)
        content = records(images[part], labels[part])
        (folder / f"data_batch_{number + 1}.bin").write_bytes(content)
    (folder / "test_batch.bin").write_bytes(records(*_COLOURS["test"]))


def write_cifar_archive(path, mode="w:gz"):
    folder = path.parent / "files"
    write_cifar(folder)
    with tarfile.open(path, mode) as archive:
        archive.add(folder, "cifar-10-batches-bin")
    shutil.rmtree(folder)


def write_images(folder, name="{}.png"):
    for split, (images, labels) in _EXAMPLES.items():
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            place = folder / split / str(label)
            place.mkdir(parents=True, exist_ok=True)
            content = tf.io.encode_png(image[..., None]).numpy()
            (place / name.format(number)).write_bytes(content)


def read(name, source):
    dataset = registry.find(name)
    return {
        split: image_files._read(dataset, str(source), split) for split in _EXAMPLES
    }


def contents(examples):
    return {
        split: sorted((int(k), i.tobytes()) for i, k in zip(*pair, strict=True))
        for split, pair in examples.items()
    }


class SourcesTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)

    def assert_read(self, source, name="mnist"):
        expected = _COLOURS if name == "cifar10" else _EXAMPLES
        self.assertEqual(contents(read(name, source)), contents(expected))

    def assert_refused(self, source, words, name="mnist"):
        with self.assertRaisesRegex(errors.UserError, words) as caught:
            read(name, source)
        self.assertNotIn("\n", str(caught.exception))

    @parameterized.parameters(
        ("mnist", "MNIST/raw"), ("mnist", "raw"), ("fashion_mnist", "FashionMNIST/raw")
    )
    def test_roots_of_torchvision(self, name, place):
        write_idx(self.folder / place)
        write_idx(self.folder / place, gzip.compress, ".gz")
        self.assert_read(self.folder, name)
        other = "mnist" if name == "fashion_mnist" else "fashion_mnist"
        if place != "raw":
            self.assert_refused(self.folder, f"holds neither {other}_train.npz", other)

    @parameterized.parameters("cifar-10-batches-bin", ".")
    def test_cifar_in_a_folder(self, place):
        write_cifar(self.folder / place)
        self.assert_read(self.folder, "cifar10")

    @parameterized.parameters(
        ("cifar-10-binary.tar.gz", "w:gz", True),
        ("whatever", "w:gz", False),
        ("plain.tar.gz", "w", False),
        ("other.bin", "w:xz", False),
    )
    def test_archives_are_known_by_content(self, name, mode, in_folder):
        path = self.folder / name
        write_cifar_archive(path, mode)
        self.assert_read(self.folder if in_folder else path, "cifar10")

    def test_idx_whatever_their_names_say(self):
        write_idx(self.folder / "a", gzip.compress)
        write_idx(self.folder / "b", bytes, ".gz")
        self.assert_read(self.folder / "a")
        self.assert_read(self.folder / "b")

    def test_idx_in_folders_of_their_names(self):
        write_idx(self.folder)
        for path in list(self.folder.iterdir()):
            moved = self.folder / "moved"
            path.rename(moved)
            path.mkdir()
            moved.rename(path / path.name)
        self.assert_read(self.folder)

    def test_csv(self):
        for split, (images, labels) in _EXAMPLES.items():
            text = csv_files_test.lines(None, images, labels)
            (self.folder / f"mnist_{split}.csv").write_text(text)
        self.assert_read(self.folder)
        self.assert_read(self.folder / "mnist_train.csv")
        self.assert_read(self.folder / "mnist_test.csv")

    def test_npz_is_known_by_content(self):
        write_npz(self.folder / "file.npz")
        (self.folder / "file.npz").rename(self.folder / "download")
        self.assert_read(self.folder / "download")

    def test_what_systems_leave_behind_is_passed_over(self):
        write_images(self.folder)
        for name in ("._0.png", "Thumbs.db", ".hidden.png"):
            (self.folder / "train" / "3" / name).write_bytes(b"\0\5\x16\7Mac OS X")
        for name in (".DS_Store", "__MACOSX"):
            (self.folder / "train" / name).mkdir()
        self.assert_read(self.folder)

    def test_broken_images_are_counted_and_the_first_ones_named(self):
        write_images(self.folder)
        place = self.folder / "train" / "4"
        for number, content in enumerate((b"", b"<html>", b"\x89PNG\r\n\x1a\n", b"x")):
            (place / f"a{number}.png").write_bytes(content)
        words = (
            r"4 broken images: 4/a0.png \(empty\), 4/a1.png \(not a readable image\)"
        )
        self.assert_refused(self.folder, f"{words}, 4/a2.png .*, and 1 more")

    @parameterized.parameters(
        "data_batch_1.bin",
        "train-images-idx3-ubyte",
        "mnist_train.npz",
        "mnist_train_part.npz",
        "mnist_test.csv",
        "train/3/x.png",
    )
    def test_a_pipe_does_not_hang(self, name):
        is_cifar = name.startswith("data")
        if is_cifar:
            write_cifar(self.folder)
        elif "idx" in name:
            write_idx(self.folder)
        else:
            write_images(self.folder)
        if "csv" in name:
            (self.folder / "mnist_train.csv").write_text(csv_files_test.lines())
        path = self.folder / name
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        words = f"'{path}': a pipe, socket or device, not a file"
        self.assert_refused(self.folder, words, "cifar10" if is_cifar else "mnist")

    def test_pipes_and_devices_as_sources(self):
        os.mkfifo(self.folder / "pipe")
        for path in (self.folder / "pipe", "/dev/zero"):
            self.assert_refused(path, "a pipe, socket or device, not a file")

    def test_pickles_are_refused_by_name(self):
        content = gzip.compress(pickle.dumps((_EXAMPLES["train"],) * 3))
        path = self.folder / "mnist.pkl.gz"
        path.write_bytes(content)
        for source in (path, self.folder):
            self.assert_refused(source, "mnist.pkl.gz is not read.*IDX files instead")

    def test_a_split_twice_or_not_at_all(self):
        path = self.folder / "cifar-10-binary.tar"
        write_cifar_archive(path, "w")
        write_cifar(self.folder / "again")
        with tarfile.open(path, "a") as archive:
            archive.add(self.folder / "again", "cifar-10-batches-bin")
        self.assert_refused(path, "data_batch_.* twice", "cifar10")
        write_images(self.folder / "images")
        shutil.rmtree(self.folder / "images" / "test")
        self.assert_refused(self.folder / "images", "images/test': there are no images")
        write_idx(self.folder / "idx")
        (self.folder / "idx" / "t10k-labels-idx1-ubyte").unlink()
        self.assert_refused(self.folder / "idx", "t10k-labels-idx1-ubyte .*missing")


class DamageTest(parameterized.TestCase):
    """One flipped bit, at fixed places: found, or it makes no difference."""

    @parameterized.named_parameters(
        ("idx", "mnist", lambda path: write_idx(path, gzip.compress, ".gz"), 0.8),
        ("npz", "mnist", lambda path: write_npz(path / "a.npz"), 0.95),
        (
            "compressed_npz",
            "mnist",
            lambda path: write_npz(path / "a.npz", compressed=True),
            0.95,
        ),
        ("archive", "cifar10", lambda path: write_cifar_archive(path / "a.tgz"), 0.95),
        (
            "archive_in_xz",
            "cifar10",
            lambda path: write_cifar_archive(path / "a.tgz", "w:xz"),
            0.95,
        ),
    )
    def test_flipped_bits(self, name, write, share):
        folder = pathlib.Path(self.create_tempdir().full_path)
        write(folder)
        paths = sorted(folder.iterdir())
        source = paths[0] if len(paths) == 1 else folder
        whole = contents(read(name, source))
        generator = np.random.default_rng(3)
        num_found, num_flips = 0, 60
        for _ in range(num_flips):
            path = paths[generator.integers(len(paths))]
            content = path.read_bytes()
            damaged = bytearray(content)
            damaged[generator.integers(len(content))] ^= 1 << generator.integers(8)
            path.write_bytes(damaged)
            try:
                self.assertEqual(contents(read(name, source)), whole)
            except errors.UserError as error:
                num_found += 1
                self.assertIn(str(path), str(error))
                self.assertNotIn("\n", str(error))
            path.write_bytes(content)
        self.assertGreaterEqual(num_found, share * num_flips)


if __name__ == "__main__":
    absltest.main()
