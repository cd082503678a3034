"""Tests of `bsgen.data.importers.csv_files`."""

import gzip
import pathlib

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.data import registry
from bsgen.data.importers import csv_files

_MNIST = registry.find("mnist")
_FASHION = registry.find("fashion_mnist")
_IMAGES = np.random.default_rng(0).integers(0, 256, size=[5, 28, 28]).astype(np.uint8)
_LABELS = np.array([7, 0, 1, 1, 9])
_NAMES = "label," + ",".join(
    f"{row}x{column}" for row in range(28) for column in range(28)
)


def lines(header=None, images=_IMAGES, labels=_LABELS):
    rows = np.column_stack([labels, images.reshape(len(images), -1)])
    text = [",".join(map(str, row)) for row in rows]
    return "\n".join(([header] if header else []) + text) + "\n"


class CsvTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)

    @parameterized.parameters(
        (_MNIST, "mnist_train.csv", None),
        (_MNIST, "mnist_train.csv", _NAMES),
        (_MNIST, "mnist_train.csv.gz", _NAMES),
        (_MNIST, "train.csv", '"label"' + _NAMES[5:]),
        (_FASHION, "fashion-mnist_train.csv", _NAMES),
        (_FASHION, "fashion_mnist_train.csv", None),
    )
    def test_forms_in_circulation(self, dataset, name, header):
        content = lines(header).encode()
        path = self.folder / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        self.assertTrue(csv_files.is_folder(dataset, self.folder))
        self.assertTrue(csv_files.is_file(dataset, path))
        for read, source in (
            (csv_files.read_folder, self.folder),
            (csv_files.read_file, path),
        ):
            images, labels = read(dataset, source, "train")
            np.testing.assert_array_equal(images[..., 0], _IMAGES)
            np.testing.assert_array_equal(labels, _LABELS)
        with self.assertRaisesRegex(errors.UserError, f"{dataset.name}_test.csv is mi"):
            csv_files.read_file(dataset, path, "test")

    def test_a_file_beside_is_not_taken_for_the_one_that_was_named(self):
        (self.folder / "mnist_train.csv").write_text(lines())
        other = self.folder / "other.csv"
        other.write_text(lines())
        with self.assertRaisesRegex(
            errors.UserError, "other.csv': a CSV file holds one"
        ):
            csv_files.read_file(_MNIST, other, "train")

    @parameterized.named_parameters(
        (
            "without_labels",
            lines()[2:].replace("\n7,", "\n"),
            "784 col.*without labels",
        ),
        ("empty", "", "first line has 1 columns"),
        ("names_alone", _NAMES + "\n", "not lines of 785 whole numbers"),
        ("too_bright", lines(images=_IMAGES.astype(int) + 1), "0 to 255 .*256"),
        ("negative", lines(labels=_LABELS - 1), "not lines of 785"),
        ("label", lines(labels=_LABELS + 1), r"span 1\.\.10"),
        ("fractions", lines(images=_IMAGES / 255), "not lines of 785 whole"),
        ("cut", lines()[:-300], "not lines of 785 whole"),
        ("words", lines().replace(",1", ",x", 1), "not lines of 785 whole"),
        ("wider_later", lines() + lines()[:-1] + ",1\n", "not lines of 785 whole"),
        ("wider_below_names", _NAMES + "\n" + lines().replace("\n", ",1\n"), "of 786"),
        ("html", "<html>\n<body>\n", "first line has 1 columns"),
    )
    def test_damaged(self, content, words):
        path = self.folder / "mnist_train.csv"
        path.write_text(content)
        with self.assertRaisesRegex(errors.UserError, f"{path}': .*{words}") as caught:
            csv_files.read_folder(_MNIST, self.folder, "train")
        self.assertNotIn("\n", str(caught.exception))

    def test_other_files(self):
        for content in (b"", b"\0" * 100, b"a,b\n1,2\n", b"1" * 10**6, b"\xff,1"):
            path = self.folder / "file"
            path.write_bytes(content)
            self.assertFalse(csv_files.is_file(_MNIST, path))
        (self.folder / "train.csv").write_text(lines())
        self.assertFalse(csv_files.is_folder(registry.find("cifar10"), self.folder))


if __name__ == "__main__":
    absltest.main()
