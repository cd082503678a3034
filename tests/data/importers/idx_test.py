"""Tests of `bsgen.data.importers.idx`."""

import gzip
import pathlib
import struct

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.data import registry
from bsgen.data.importers import idx

_MNIST = registry.find("mnist")
_IMAGES = np.random.default_rng(0).integers(0, 256, size=[5, 28, 28]).astype(np.uint8)
_LABELS = np.array([7, 0, 1, 1, 9], np.uint8)


def _encode(array):
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


class IdxTest(parameterized.TestCase):
    def _folder(
        self, images="train-images-idx3-ubyte", labels="train-labels-idx1-ubyte"
    ):
        folder = pathlib.Path(self.create_tempdir().full_path)
        for name, array in ((images, _IMAGES), (labels, _LABELS)):
            content = _encode(array)
            compressed = gzip.compress(content) if name.endswith(".gz") else content
            (folder / name).write_bytes(compressed)
        return folder

    @parameterized.parameters(
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "train"),
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "train"),
        ("t10k-images.idx3-ubyte", "t10k-labels-idx1-ubyte.gz", "test"),
    )
    def test_reads_standard_names(self, images, labels, split):
        folder = self._folder(images, labels)
        self.assertTrue(idx.is_folder(_MNIST, folder))
        read_images, read_labels = idx.read_folder(_MNIST, folder, split)
        np.testing.assert_array_equal(read_images[..., 0], _IMAGES)
        np.testing.assert_array_equal(read_labels, _LABELS)

    def test_other_folders(self):
        self.assertFalse(
            idx.is_folder(_MNIST, pathlib.Path(self.create_tempdir().full_path))
        )

    def test_missing_file(self):
        with self.assertRaisesRegex(
            errors.UserError, "t10k-images-idx3-ubyte.*missing"
        ):
            idx.read_folder(_MNIST, self._folder(), "test")

    def test_counts_that_differ(self):
        folder = self._folder()
        path = folder / "train-labels-idx1-ubyte"
        path.write_bytes(_encode(_LABELS[:4]))
        with self.assertRaisesRegex(errors.UserError, "idx1.*4 labels.*5 images"):
            idx.read_folder(_MNIST, folder, "train")

    @parameterized.named_parameters(
        ("empty", b"", "not an IDX file"),
        ("header_only_in_part", _encode(_IMAGES)[:10], "not an IDX file"),
        ("labels", _encode(_LABELS), "not an IDX file.*00000801.*00000803"),
        ("floats", b"\0\0\x0d\x03" + _encode(_IMAGES)[4:], "not an IDX file"),
        ("truncated", _encode(_IMAGES)[:-1], "promises 3936 bytes, but it has 3935"),
        ("too_long", _encode(_IMAGES) + b"\0", "promises 3936 bytes, but it has more"),
        (
            "huge",
            b"\0\0\x08\x03" + b"\xff" * 12,
            "promises 79228162458924105385300197391",
        ),
    )
    def test_damaged(self, content, message):
        for name in ("images", "images.gz"):
            path = pathlib.Path(self.create_tempdir().full_path) / name
            compressed = gzip.compress(content) if name.endswith(".gz") else content
            path.write_bytes(compressed)
            with self.assertRaisesRegex(errors.UserError, f"{name}': .*{message}"):
                idx.read(path, 3)

    @parameterized.parameters(0, 5, 100, -1)
    def test_damaged_compression(self, length):
        path = pathlib.Path(self.create_tempdir().full_path) / "images.gz"
        path.write_bytes(gzip.compress(_encode(_IMAGES))[:length])
        with self.assertRaisesRegex(errors.UserError, "images.gz"):
            idx.read(path, 3)


if __name__ == "__main__":
    absltest.main()
