"""Tests of `bsgen.data.importers.npz`."""

import io
import pathlib
import pickle
import warnings
import zipfile

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.data import registry
from bsgen.data.importers import npz

_MNIST = registry.find("mnist")
_IMAGES = np.random.default_rng(0).integers(0, 256, size=[5, 28, 28]).astype(np.uint8)
_LABELS = np.array([7, 0, 1, 1, 9])


class _Trap:
    """Fails the test when it is unpickled."""

    def __reduce__(self):
        return (exec, ("raise SystemError('unpickled')",))


class NpzTest(parameterized.TestCase):
    def _folder(self, **arrays):
        folder = pathlib.Path(self.create_tempdir().full_path)
        np.savez_compressed(folder / "mnist_train.npz", **arrays)
        return folder

    def test_reads_one_file_a_split(self):
        folder = self._folder(images=_IMAGES, labels=_LABELS)
        self.assertTrue(npz.is_folder(_MNIST, folder))
        self.assertFalse(npz.is_folder(registry.find("fashion_mnist"), folder))
        images, labels = npz.read_folder(_MNIST, folder, "train")
        np.testing.assert_array_equal(images[..., 0], _IMAGES)
        np.testing.assert_array_equal(labels, _LABELS)
        with self.assertRaisesRegex(
            errors.UserError, "mnist_test.npz': .*no such file"
        ):
            npz.read_folder(_MNIST, folder, "test")

    def test_reads_the_names_of_keras(self):
        folder = self._folder(
            x_train=_IMAGES, y_train=_LABELS, x_test=_IMAGES[:2], y_test=_LABELS[:2]
        )
        images, labels = npz.read_file(_MNIST, folder / "mnist_train.npz", "test")
        np.testing.assert_array_equal(images[..., 0], _IMAGES[:2])
        np.testing.assert_array_equal(labels, _LABELS[:2])

    def test_reads_the_only_file_with_a_longer_name(self):
        folder = self._folder(images=_IMAGES, labels=_LABELS)
        exact = folder / "mnist_train.npz"
        exact.rename(folder / "mnist_train_subset.npz")
        self.assertTrue(npz.is_folder(_MNIST, folder))
        images, _ = npz.read_folder(_MNIST, folder, "train")
        np.testing.assert_array_equal(images[..., 0], _IMAGES)
        np.savez(folder / "mnist_train_2.npz", images=_IMAGES[:1], labels=_LABELS[:1])
        with self.assertRaisesRegex(
            errors.UserError, "mnist_train_2.npz, mnist_train_subset.npz are all files"
        ):
            npz.read_folder(_MNIST, folder, "train")
        np.savez(exact, images=_IMAGES[:2], labels=_LABELS[:2])
        self.assertLen(npz.read_folder(_MNIST, folder, "train")[1], 2)

    def test_missing_array(self):
        folder = self._folder(images=_IMAGES, targets=_LABELS)
        with self.assertRaisesRegex(errors.UserError, "'labels', but holds .*targets"):
            npz.read_folder(_MNIST, folder, "train")

    @parameterized.parameters(0, 1, 30, 0.5, 0.9, -1)
    def test_truncated(self, kept):
        folder = self._folder(images=_IMAGES, labels=_LABELS)
        path = folder / "mnist_train.npz"
        content = path.read_bytes()
        kept = int(len(content) * kept) if 0 < kept < 1 else kept
        path.write_bytes(content[:kept])
        with self.assertRaisesRegex(errors.UserError, "not a readable .npz file"):
            npz.read_folder(_MNIST, folder, "train")

    @parameterized.parameters(0.1, 0.3, 0.5, 0.7)
    def test_flipped_bits(self, place):
        folder = self._folder(images=_IMAGES, labels=_LABELS)
        path = folder / "mnist_train.npz"
        content = bytearray(path.read_bytes())
        content[int(len(content) * place)] ^= 0xFF
        path.write_bytes(content)
        with self.assertRaisesRegex(errors.UserError, "not a readable .npz file"):
            npz.read_folder(_MNIST, folder, "train")

    @parameterized.parameters(
        (b"(4, 28, 28)", r"images.npy claims \d+ bytes, but has \d+"),
        (b"(6, 28, 28)", r"images.npy claims \d+ bytes, but has \d+"),
        (b"(9999999, 28, 28)", r"images.npy claims 7839999\d+ bytes, which is no such"),
    )
    def test_what_an_array_claims_is_checked_before_it_is_read(self, shape, message):
        folder = pathlib.Path(self.create_tempdir().full_path)
        path = folder / "mnist_train.npz"
        file = io.BytesIO()
        np.save(file, _IMAGES)
        whole = b"(5, 28, 28), }"
        padding = b" " * (len(shape) - len(whole) + 3)
        content = file.getvalue().replace(whole + padding, shape + b", }")
        self.assertNotEqual(content, file.getvalue())
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("images.npy", content)
        np.save(labels := io.BytesIO(), _LABELS)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("labels.npy", labels.getvalue())
        with self.assertRaisesRegex(errors.UserError, message):
            npz.read_folder(_MNIST, folder, "train")

    def test_a_header_that_is_no_python(self):
        path = pathlib.Path(self.create_tempdir().full_path) / "mnist_train.npz"
        np.savez(path, images=_IMAGES, labels=_LABELS)
        path.write_bytes(path.read_bytes().replace(b"{'descr'", b"]'descr'"))
        with self.assertRaisesRegex(errors.UserError, "not a readable .npz file"):
            npz.read_folder(_MNIST, path.parent, "train")

    def test_an_array_twice(self):
        folder = self._folder(images=_IMAGES, labels=_LABELS)
        np.save(labels := io.BytesIO(), _LABELS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of the name, by zipfile.
            with zipfile.ZipFile(folder / "mnist_train.npz", "a") as archive:
                archive.writestr("labels.npy", labels.getvalue())
        with self.assertRaisesRegex(errors.UserError, "it holds 'labels' twice"):
            npz.read_folder(_MNIST, folder, "train")

    def test_never_unpickles_arrays(self):
        traps = np.array([_Trap()] * 5, dtype=object)
        folder = self._folder(images=_IMAGES, labels=traps)
        with self.assertRaisesRegex(errors.UserError, "allow_pickle=False"):
            npz.read_folder(_MNIST, folder, "train")

    def test_never_unpickles_files(self):
        folder = self._folder()
        (folder / "mnist_train.npz").write_bytes(pickle.dumps(_Trap()))
        with self.assertRaisesRegex(errors.UserError, "not a readable .npz file"):
            npz.read_folder(_MNIST, folder, "train")

    def test_a_single_array_is_no_archive(self):
        folder = self._folder()
        with (folder / "mnist_train.npz").open("wb") as file:
            np.save(file, _IMAGES)
        with self.assertRaisesRegex(errors.UserError, "not a readable .npz file"):
            npz.read_folder(_MNIST, folder, "train")


if __name__ == "__main__":
    absltest.main()
