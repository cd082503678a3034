"""Tests of importing ImageNet, on a few made-up images."""

import io
import os
import pathlib
import tarfile

import numpy as np
import tensorflow_datasets as tfds
from absl.testing import absltest

from bsgen import config, errors
from bsgen.data import registry
from bsgen.data.datasets import imagenet
from tests.data import made_up_imagenet

_NUM_TRAIN, _NUM_VALIDATION = 8, 5


def _validation_labels():
    """Labels of the first validation images, from TFDS's own list."""
    folder = pathlib.Path(tfds.__file__).parent / "datasets" / "imagenet2012"
    return (folder / "validation_labels.txt").read_text().split()[:_NUM_VALIDATION]


def _images():
    """Split, label, file name and content of all images."""
    names = made_up_imagenet.label_names()
    for index in range(_NUM_TRAIN):
        label = names[index % 3]
        data = made_up_imagenet.jpeg(index, 50 + index, 60)
        yield "train", label, f"{label}_{index}.JPEG", data
    for index, label in enumerate(_validation_labels()):
        data = made_up_imagenet.jpeg(100 + index, 50, 60 + index)
        yield "val", label, f"ILSVRC2012_val_{index + 1:08d}.JPEG", data


def _add(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def _write_tars(folder):
    with tarfile.open(folder / "ILSVRC2012_img_val.tar", "w") as validation:
        for split, _, name, data in _images():
            if split == "val":
                _add(validation, name, data)
    with tarfile.open(folder / "ILSVRC2012_img_train.tar", "w") as train:
        for wnid in made_up_imagenet.label_names()[:3]:
            inner = io.BytesIO()
            with tarfile.open(fileobj=inner, mode="w") as of_label:
                for split, label, name, data in _images():
                    if (split, label) == ("train", wnid):
                        _add(of_label, name, data)
            _add(train, f"{wnid}.tar", inner.getvalue())


def _write_folders(folder):
    for split, label, name, data in _images():
        (folder / split / label).mkdir(parents=True, exist_ok=True)
        (folder / split / label / name).write_bytes(data)


class ImportTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.source = pathlib.Path(self.create_tempdir().full_path)
        self.data_dir = self.create_tempdir().full_path

    def _import(self, **options):
        return registry.find("imagenet2012").import_files(
            str(self.source), self.data_dir, **options
        )

    def test_tars_and_folders_give_the_same_dataset(self):
        found = []
        for write in (_write_tars, _write_folders):
            self.source = pathlib.Path(self.create_tempdir().full_path)
            self.data_dir = self.create_tempdir().full_path
            write(self.source)
            folder = self._import()
            self.assertEqual(folder, pathlib.Path(self.data_dir, "imagenet2012/5.1.0"))
            source = imagenet.ImageNet(imagenet.IMAGENET.folder(self.data_dir), 16)
            found.append(source.gather(np.arange(len(source))))
            self.assertLen(source.train_pool, _NUM_TRAIN)
            self.assertLen(source.test_pool, _NUM_VALIDATION)
        for from_tars, from_folders in zip(*found, strict=True):
            np.testing.assert_array_equal(from_tars, from_folders)
        names = made_up_imagenet.label_names()
        labels = [names[label] for label in found[0][1]]
        expected = [label for _, label, _, _ in _images()]
        self.assertCountEqual(labels[:_NUM_TRAIN], expected[:_NUM_TRAIN])
        self.assertCountEqual(labels[_NUM_TRAIN:], expected[_NUM_TRAIN:])

    def test_replaces_only_when_told(self):
        _write_folders(self.source)
        self._import()
        with self.assertRaisesRegex(errors.UserError, "add --force"):
            self._import()
        self._import(force=True)

    def assert_refused(self, message):
        with self.assertRaisesRegex(errors.UserError, message):
            self._import()
        self.assertEmpty(list(pathlib.Path(self.data_dir).glob("imagenet2012")))

    def test_cannot_be_downloaded(self):
        remedy = "register at image-net.org, get ILSVRC2012_img_train.tar and"
        with self.assertRaisesRegex(errors.UserError, remedy):
            registry.find("imagenet2012").download(self.data_dir)

    def test_refuses_a_folder_of_something_else(self):
        (self.source / "train").mkdir()
        self.assert_refused("neither ILSVRC2012_img_train.tar and .* train and val")

    def test_refuses_an_unknown_label(self):
        _write_folders(self.source)
        (self.source / "train" / "cats").mkdir()
        self.assert_refused("/train/cats'.*1000 labels")

    def test_refuses_folders_without_images(self):
        _write_folders(self.source)
        for path in (self.source / "val").glob("*/*"):
            path.unlink()
        self.assert_refused("/val'.*no images")

    def test_refuses_two_images_of_one_name(self):
        _write_folders(self.source)
        folders = sorted((self.source / "train").iterdir())
        for folder in folders[:2]:
            (folder / "same.JPEG").write_bytes(made_up_imagenet.jpeg(0, 8, 8))
        self.assert_refused("this is not ImageNet, or damaged")

    def _break_images(self):
        """Damages three training images and one validation image, by path."""
        whole = made_up_imagenet.jpeg(0, 50, 60)
        train = sorted((self.source / "train").glob("*/*"))
        for path, content in zip(
            train, (b"", b"<html>429</html>", whole[: len(whole) // 2]), strict=False
        ):
            path.write_bytes(content)
        validation = sorted((self.source / "val").glob("*/*"))[0]
        validation.write_bytes(whole[:300])

    def test_counts_broken_images_and_names_the_first(self):
        _write_folders(self.source)
        self._break_images()
        seen = []
        with self.assertRaisesRegex(
            errors.UserError,
            r"4 broken images: train/n\d+_0.JPEG \(empty\), train/n\d+_3.JPEG \(not a "
            r"readable image\), .*, and 1 more",
        ):
            self._import(on_progress=lambda *numbers: seen.append(numbers))
        self.assertEqual(seen[-1], (_NUM_TRAIN + _NUM_VALIDATION,) * 2)
        self.assertEmpty(list(pathlib.Path(self.data_dir).glob("imagenet2012")))

    def test_counts_broken_images_in_tars(self):
        with tarfile.open(self.source / "broken.tar", "w") as of_label:
            label = made_up_imagenet.label_names()[0]
            _add(of_label, f"{label}_99.JPEG", b"<html>")
        _write_tars(self.source)
        content = (self.source / "broken.tar").read_bytes()
        with tarfile.open(self.source / "ILSVRC2012_img_train.tar", "a") as train:
            _add(train, f"{made_up_imagenet.label_names()[3]}.tar", content)
        self.assert_refused(
            r"1 broken image: train/n\d+_99.JPEG \(not a readable image"
        )

    def test_hidden_files_are_passed_over(self):
        _write_folders(self.source)
        folder = sorted((self.source / "train").iterdir())[0]
        (folder / "._a.JPEG").write_bytes(b"Mac OS X")
        (self.source / "train" / ".DS_Store").mkdir()
        self._import()
        self.assertLen(
            imagenet.IMAGENET.load(config.DataConfig(), self.data_dir).train_pool,
            _NUM_TRAIN,
        )

    def test_a_pipe_does_not_hang(self):
        _write_folders(self.source)
        path = sorted((self.source / "train").iterdir())[0] / "pipe.JPEG"
        os.mkfifo(path)
        self.assert_refused(f"{path}': a pipe")

    def test_data_source_of_tfds_reads_it(self):
        _write_folders(self.source)
        self._import()
        images = tfds.data_source(
            "imagenet2012", data_dir=self.data_dir, split="validation"
        )
        self.assertLen(images, _NUM_VALIDATION)
        self.assertEqual(images[0]["image"].shape[-1], 3)

    def test_refuses_a_damaged_tar(self):
        _write_tars(self.source)
        path = self.source / "ILSVRC2012_img_train.tar"
        path.write_bytes(b"not a tar" * 1000)
        self.assert_refused("damaged")

    def test_refuses_an_empty_tar(self):
        _write_tars(self.source)
        with tarfile.open(self.source / "ILSVRC2012_img_train.tar", "w"):
            pass
        self.assert_refused("this is not ImageNet, or damaged .*No examples")


if __name__ == "__main__":
    absltest.main()
