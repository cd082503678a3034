"""Tests of reading CIFAR's original files, on small random ones."""

import io
import os
import pathlib
import pickle
import tarfile

import numpy as np
import tensorflow_datasets as tfds
from absl.testing import absltest, parameterized

from bsgen import config as configuration
from bsgen import errors
from bsgen.data import registry
from bsgen.data.importers import cifar_files

_CIFAR10 = registry.find("cifar10")
_CIFAR100 = registry.find("cifar100")
_BATCH = 3


def _examples(dataset, seed=0):
    generator = np.random.default_rng(seed)
    sizes = {"train": 5 * _BATCH, "test": 4}
    return {
        split: (
            generator.integers(0, 256, size=[size, 32, 32, 3]).astype(np.uint8),
            generator.integers(dataset.num_classes, size=size),
        )
        for split, size in sizes.items()
    }


def _row(image):
    """The bytes of an image, colour by colour, pixel by pixel."""
    return bytes(
        int(image[row, column, colour])
        for colour in range(3)
        for row in range(32)
        for column in range(32)
    )


def _files(dataset, form, examples):
    """The original files by name."""
    pieces = {"train": examples["train"], "test": examples["test"]}
    ending = ".bin" if form == "binary" else ""
    if dataset.name == "cifar10":
        images, labels = pieces.pop("train")
        pieces["test_batch"] = pieces.pop("test")
        for number in range(5):
            part = slice(number * _BATCH, (number + 1) * _BATCH)
            pieces[f"data_batch_{number + 1}"] = images[part], labels[part]
    encode = _binary if form == "binary" else _pickled
    return {name + ending: encode(dataset, *pair) for name, pair in pieces.items()}


def _binary(dataset, images, labels):
    coarse = dataset.superclasses
    return b"".join(
        (bytes([coarse[label]]) if coarse else b"") + bytes([label]) + _row(image)
        for image, label in zip(images, labels, strict=True)
    )


def _pickled(dataset, images, labels):
    data = np.stack([np.frombuffer(_row(image), np.uint8) for image in images])
    content = {b"data": data, b"filenames": [b"a.png"] * len(labels)}
    key = b"fine_labels" if dataset.superclasses else b"labels"
    return pickle.dumps({**content, key: labels.tolist()}, protocol=2)


_FOLDERS = {
    ("cifar10", "binary"): "cifar-10-batches-bin",
    ("cifar10", "python"): "cifar-10-batches-py",
    ("cifar100", "binary"): "cifar-100-binary",
    ("cifar100", "python"): "cifar-100-python",
}


class CifarTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)

    def _write(self, dataset, form, examples):
        place = self.folder / _FOLDERS[dataset.name, form]
        place.mkdir()
        for name, content in _files(dataset, form, examples).items():
            (place / name).write_bytes(content)
        return place

    def _archive(self, dataset, form, files, prefix=""):
        path = self.folder / "archive.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for name, content in files.items():
                member = f"{prefix}{_FOLDERS[dataset.name, form]}/{name}"
                info = tarfile.TarInfo(member)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return path

    @parameterized.product(
        dataset=(_CIFAR10, _CIFAR100), form=("binary", "python"), above=(False, True)
    )
    def test_folders(self, dataset, form, above):
        examples = _examples(dataset)
        place = self._write(dataset, form, examples)
        folder = self.folder if above else place
        self.assertTrue(cifar_files.is_folder(dataset, folder))
        for split, (images, labels) in examples.items():
            read_images, read_labels = cifar_files.read_folder(dataset, folder, split)
            np.testing.assert_array_equal(read_images, images)
            np.testing.assert_array_equal(read_labels, labels)

    @parameterized.product(
        dataset=(_CIFAR10, _CIFAR100),
        form=("binary", "python"),
        prefix=("", "./"),
    )
    def test_archives(self, dataset, form, prefix):
        examples = _examples(dataset, seed=1)
        files = {"readme.html": b"<html>", **_files(dataset, form, examples)}
        path = self._archive(dataset, form, files, prefix)
        self.assertTrue(cifar_files.is_archive(path))
        for split, (images, labels) in examples.items():
            read_images, read_labels = cifar_files.read_archive(dataset, path, split)
            np.testing.assert_array_equal(read_images, images)
            np.testing.assert_array_equal(read_labels, labels)
        self.assertEqual(os.listdir(self.folder), ["archive.tar.gz"])

    @parameterized.parameters("binary", "python")
    def test_import_and_load(self, form):
        examples = _examples(_CIFAR100, seed=2)
        self._write(_CIFAR100, form, examples)
        data_dir = str(self.folder / "data")
        registry.find("cifar100").import_files(str(self.folder), data_dir)
        pool = registry.load_pool(configuration.DataConfig(name="cifar100"), data_dir)
        self.assertEqual(pool.num_classes, 100)
        for split, places in (("train", pool.train_pool), ("test", pool.test_pool)):
            images, labels = examples[split]
            # Equal pixels are out of the question: sorted by pixels, they are paired.
            ours = np.lexsort(images.reshape(len(images), -1).T)
            read = pool.inputs[places]
            theirs = np.lexsort(read.reshape(len(read), -1).T)
            np.testing.assert_array_equal(read[theirs], images[ours])
            np.testing.assert_array_equal(pool.labels[places][theirs], labels[ours])

    def test_tfds_reads_the_names_of_classes_and_superclasses(self):
        images, labels = _examples(_CIFAR100, seed=3)["test"]
        self._write(_CIFAR100, "binary", _examples(_CIFAR100, seed=3))
        data_dir = str(self.folder / "data")
        registry.find("cifar100").import_files(str(self.folder), data_dir)
        examples, info = tfds.load(
            "cifar100",
            split="test",
            data_dir=data_dir,
            download=False,
            batch_size=-1,
            with_info=True,
        )
        read = {key: value.numpy() for key, value in examples.items()}
        order = np.argsort(read["id"])
        self.assertEqual(read["id"][order[-1]], b"test_00003")
        np.testing.assert_array_equal(read["image"][order], images)
        np.testing.assert_array_equal(read["label"][order], labels)
        coarse = [_CIFAR100.superclasses[label] for label in labels]
        np.testing.assert_array_equal(read["coarse_label"][order], coarse)
        self.assertEqual(info.features["label"].int2str(99), "worm")
        self.assertEqual(info.features["coarse_label"].int2str(1), "fish")

    @parameterized.parameters("binary", "python")
    def test_missing_batch(self, form):
        place = self._write(_CIFAR10, form, _examples(_CIFAR10))
        ending = ".bin" if form == "binary" else ""
        (place / f"data_batch_3{ending}").unlink()
        with self.assertRaisesRegex(
            errors.UserError, rf"{place}': data_batch_3{ending} is missing"
        ):
            cifar_files.read_folder(_CIFAR10, place, "train")
        self.assertLen(cifar_files.read_folder(_CIFAR10, place, "test")[1], 4)

    def test_missing_batch_in_an_archive(self):
        files = _files(_CIFAR10, "binary", _examples(_CIFAR10))
        del files["data_batch_2.bin"]
        path = self._archive(_CIFAR10, "binary", files)
        with self.assertRaisesRegex(errors.UserError, "data_batch_2.bin is missing in"):
            cifar_files.read_archive(_CIFAR10, path, "train")
        with self.assertRaisesRegex(errors.UserError, "no original files of cifar100"):
            cifar_files.read_archive(_CIFAR100, path, "train")
        with self.assertRaisesRegex(errors.UserError, "no original files of mnist"):
            cifar_files.read_archive(registry.find("mnist"), path, "train")

    @parameterized.parameters(0, 10, 0.3, 0.9)
    def test_truncated_archive(self, kept):
        files = _files(_CIFAR10, "binary", _examples(_CIFAR10))
        path = self._archive(_CIFAR10, "binary", files)
        content = path.read_bytes()
        kept = int(len(content) * kept) if 0 < kept < 1 else kept
        path.write_bytes(content[:kept])
        words = "not a readable archive|cannot be read .*damaged or incomplete"
        with self.assertRaisesRegex(errors.UserError, f"source='{path}': .*({words})"):
            cifar_files.read_archive(_CIFAR10, path, "train")

    def test_links_in_an_archive_are_not_followed(self):
        secret = self.folder / "secret"
        secret.write_bytes(b"\0" * 3073)
        path = self.folder / "links.tar"
        with tarfile.open(path, "w") as archive:
            info = tarfile.TarInfo("cifar-10-batches-bin/test_batch.bin")
            info.type, info.linkname = tarfile.SYMTYPE, str(secret)
            archive.addfile(info)
        with self.assertRaisesRegex(errors.UserError, "no original files of cifar10"):
            cifar_files.read_archive(_CIFAR10, path, "test")

    def test_archive_that_claims_too_much(self):
        path = self.folder / "claims.tar"
        info = tarfile.TarInfo("cifar-10-batches-bin/test_batch.bin")
        info.size = 2**40
        path.write_bytes(info.tobuf() + b"\0" * 1024)
        with self.assertRaisesRegex(errors.UserError, "claims 1099511627776 bytes"):
            cifar_files.read_archive(_CIFAR10, path, "test")

    @parameterized.parameters(
        (b"", "0 bytes are not a whole number of records of 3073 bytes"),
        (b"\1" * 3072, "3072 bytes are not a whole number"),
        (b"\1" * (2 * 3073 - 1), "not a whole number"),
        (b"\1" * 3074, "not a whole number"),
        (b"\12" + b"\1" * 3072, r"span 10\.\.10, but must lie in 0\.\.9"),
    )
    def test_damaged_binary_file(self, content, message):
        path = self.folder / "test_batch.bin"
        path.write_bytes(content)
        with self.assertRaisesRegex(errors.UserError, f"source='{path}': .*{message}"):
            cifar_files.read_folder(_CIFAR10, self.folder, "test")

    @parameterized.parameters(
        ({"data": np.zeros([2, 3072], np.uint8)}, "'labels' is no list of integers"),
        ({"labels": [1, 2]}, r"'data' is no array \[n, 3072\]"),
        ({"data": np.zeros([2, 3071], np.uint8), "labels": [1, 2]}, "no array"),
        ({"data": [1, 2], "labels": [1, 2]}, "no array"),
        ({"data": np.zeros([2, 3072], np.uint8), "labels": [1, [2]]}, "no list of int"),
        ({"data": np.zeros([2, 3072], np.uint8), "labels": [1]}, "for 2 images"),
        ({"data": np.zeros([1, 3072], np.uint8), "labels": [2**80]}, "type object"),
        ({"data": np.zeros([1, 3072], np.uint8), "labels": [10]}, r"span 10\.\.10"),
        ([1, 2], "no dictionary"),
        ({b"\xff": 1}, "'utf-8' codec"),
    )
    def test_pickles_of_something_else(self, content, message):
        path = self.folder / "test_batch"
        path.write_bytes(pickle.dumps(content, protocol=4))
        with self.assertRaisesRegex(errors.UserError, f"source='{path}': .*{message}"):
            cifar_files.read_folder(_CIFAR10, self.folder, "test")

    def test_malicious_pickle(self):
        proof = self.folder / "executed"

        class Attack:
            def __reduce__(self):
                return os.mkdir, (str(proof),)

        (self.folder / "test_batch").write_bytes(pickle.dumps(Attack()))
        with self.assertRaisesRegex(
            errors.UserError, "posix.mkdir, which is forbidden"
        ):
            cifar_files.read_folder(_CIFAR10, self.folder, "test")
        self.assertFalse(proof.exists())

    def test_other_folders(self):
        (self.folder / "train").mkdir()  # Of images: CIFAR-100 has a file of this name.
        for dataset in (_CIFAR10, _CIFAR100, registry.find("mnist")):
            self.assertFalse(cifar_files.is_folder(dataset, self.folder))


if __name__ == "__main__":
    absltest.main()
