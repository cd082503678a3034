"""Tests of `bsgen.data.importers.image_folder`."""

import pathlib

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors
from bsgen.data import registry
from bsgen.data.importers import image_folder

_MNIST = registry.find("mnist")
_IMAGES = (
    np.random.default_rng(0).integers(0, 256, size=[5, 28, 28, 1]).astype(np.uint8)
)
_LABELS = (0, 3, 3, 3, 9)


class ImageFolderTest(parameterized.TestCase, tf.test.TestCase):
    def _folder(self):
        folder = pathlib.Path(self.create_tempdir().full_path)
        for number, (image, label) in enumerate(zip(_IMAGES, _LABELS, strict=True)):
            path = folder / "train" / str(label) / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tf.io.encode_png(image).numpy())
        return folder

    def test_reads_images_in_order(self):
        folder = self._folder()
        (folder / "train" / "notes.txt").write_text("not an image")
        self.assertTrue(image_folder.is_folder(_MNIST, folder))
        images, labels = image_folder.read_folder(_MNIST, folder, "train")
        self.assertAllEqual(images, _IMAGES)
        self.assertAllEqual(labels, _LABELS)

    def test_colours_become_grey(self):
        folder = self._folder()
        grey = np.repeat(_IMAGES[0], 3, axis=-1)
        (folder / "train/0/0.png").write_bytes(tf.io.encode_png(grey).numpy())
        images, _ = image_folder.read_folder(_MNIST, folder, "train")
        # Luminance weights are rounded to fixed point.
        self.assertAllClose(images[0].astype(int), _IMAGES[0].astype(int), atol=1)

    @parameterized.parameters("cifar10", "cifar100")
    def test_colour_images_in_folders_named_by_label_or_class(self, name):
        dataset = registry.find(name)
        folder = pathlib.Path(self.create_tempdir().full_path)
        generator = np.random.default_rng(1)
        images = generator.integers(0, 256, size=[3, 32, 32, 3]).astype(np.uint8)
        labels = (1, 7, dataset.num_classes - 1)
        names = ("1", dataset.class_names[7], dataset.class_names[-1])
        for image, label in zip(images, names, strict=True):
            path = folder / "test" / label / "any.png"
            path.parent.mkdir(parents=True)
            path.write_bytes(tf.io.encode_png(image).numpy())
        read, read_labels = image_folder.read_folder(dataset, folder, "test")
        order = np.argsort(names)
        self.assertAllEqual(read, images[order])
        self.assertAllEqual(read_labels, np.array(labels)[order])
        (folder / "test" / "unicorn").mkdir()
        last = dataset.class_names[-1]
        with self.assertRaisesRegex(errors.UserError, f"unicorn': .*0 to .*to {last}$"):
            image_folder.read_folder(dataset, folder, "test")

    def test_other_folders(self):
        self.assertFalse(
            image_folder.is_folder(_MNIST, pathlib.Path(self.create_tempdir()))
        )

    @parameterized.parameters("test", "train")
    def test_no_images(self, split):
        folder = pathlib.Path(self.create_tempdir().full_path)
        (folder / "train" / "0").mkdir(parents=True)
        with self.assertRaisesRegex(errors.UserError, f"{split}': there are no images"):
            image_folder.read_folder(_MNIST, folder, split)

    def test_folder_that_is_no_label(self):
        folder = self._folder()
        (folder / "train" / "ten").mkdir()
        with self.assertRaisesRegex(errors.UserError, "train/ten': .*0 to 9"):
            image_folder.read_folder(_MNIST, folder, "train")

    def test_damaged_image(self):
        path = self._folder() / "train" / "3" / "2.png"
        path.write_bytes(path.read_bytes()[:100])
        with self.assertRaisesRegex(
            errors.UserError, r"1 broken image: 3/2.png \(not a readable image\)"
        ):
            image_folder.read_folder(_MNIST, path.parents[2], "train")

    def test_another_size(self):
        path = self._folder() / "train" / "3" / "2.png"
        path.write_bytes(tf.io.encode_png(_IMAGES[0][:20]).numpy())
        with self.assertRaisesRegex(
            errors.UserError, r"1 broken image: 3/2.png .*\(20, 28, 1\)"
        ):
            image_folder.read_folder(_MNIST, path.parents[2], "train")


if __name__ == "__main__":
    tf.test.main()
