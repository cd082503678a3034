"""Tests of reading ImageNet, on a small made-up set in the real format."""

import io
import pathlib
import resource
import tempfile

import numpy as np
import tensorflow_datasets as tfds
from absl.testing import absltest
from PIL import Image

from bsgen import config, errors
from bsgen.data import crops, splits
from bsgen.data.datasets import imagenet
from tests.data import made_up_imagenet

_SIZE = 24


class ImageNetTest(absltest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        data_dir = tempfile.TemporaryDirectory()
        cls.addClassCleanup(data_dir.cleanup)
        cls.data_dir = data_dir.name
        cls.folder = made_up_imagenet.prepare(cls.data_dir)
        cls.source = imagenet.ImageNet(cls.folder, _SIZE)

    def test_training_images_come_first(self):
        self.assertLen(self.source, 56)
        np.testing.assert_array_equal(self.source.train_pool, np.arange(40))
        np.testing.assert_array_equal(self.source.test_pool, np.arange(40, 56))
        self.assertEqual(self.source.input_shape, (_SIZE, _SIZE, 3))
        self.assertEqual(
            imagenet.IMAGENET.load(config.DataConfig(), self.data_dir).input_shape,
            (224, 224, 3),
        )

    def test_every_image_has_its_label_and_is_its_centre(self):
        # TFDS itself says which file stands at which position.
        builder = tfds.builder_from_directory(self.folder)
        position = 0
        for split in ("train", "validation"):
            files = {
                name: (label, data)
                for name, label, data in made_up_imagenet.examples(split)
            }
            for stored in builder.as_data_source(split=split):
                label, data = files.pop(stored["file_name"].decode())
                images, labels = self.source.gather(np.array([position]))
                self.assertEqual(made_up_imagenet.label_names()[labels[0]], label)
                image = Image.open(io.BytesIO(data)).convert("RGB")
                side = round(min(image.size) * 224 / 256)
                left, top = ((whole - side) // 2 for whole in image.size)
                centre = image.resize(
                    (_SIZE, _SIZE),
                    Image.Resampling.BILINEAR,
                    (left, top, left + side, top + side),
                )
                # Pillow smooths where it shrinks; the waves are long beside a pixel.
                difference = images[0].astype(float) - np.asarray(centre)
                self.assertLess(abs(difference).mean(), 3)
                position += 1
            self.assertEmpty(files)

    def test_a_crop_chooses_the_window(self):
        positions = np.array([7, 7, 50])
        drawn = crops.draw(0, np.arange(3))
        images, labels = self.source.gather(positions, drawn)
        self.assertTrue((images[0] != images[1]).any())
        again, _ = self.source.gather(positions[:1], drawn[:1])
        np.testing.assert_array_equal(again[0], images[0])
        np.testing.assert_array_equal(labels, self.source.gather(positions)[1])

    def test_runs_draw_their_examples_from_it(self):
        wanted = config.DataConfig(name=imagenet.NAME, train_size=30, validation_size=5)
        split = splits.split(self.source, wanted)
        self.assertLen(set(split.train) | set(split.validation), 35)
        self.assertLess(max(*split.train, *split.validation), 40)
        np.testing.assert_array_equal(split.test, np.arange(40, 56))

    def test_says_how_to_prepare_what_is_not_there(self):
        empty = self.create_tempdir().full_path
        remedy = rf"ILSVRC2012_img_train.tar .*--data_dir={empty} --source=FOLDER"
        with self.assertRaisesRegex(errors.UserError, remedy):
            imagenet.IMAGENET.load(config.DataConfig(), empty)

    def test_says_how_to_convert_another_format(self):
        folder = made_up_imagenet.prepare(
            self.create_tempdir().full_path, file_format="tfrecord"
        )
        remedy = f"tfds convert_format --dataset_version_dir={folder} --out_file_format"
        with self.assertRaisesRegex(errors.UserError, remedy):
            imagenet.ImageNet(folder)

    def test_refuses_a_position_that_is_not_there(self):
        with self.assertRaisesRegex(errors.UserError, "position=56: .*cannot be read"):
            self.source.gather(np.array([56]))

    def test_refuses_damaged_files(self):
        for name in (
            "features.json",
            "*train.array_record-00001*",
            "dataset_info.json",
        ):
            folder = made_up_imagenet.prepare(self.create_tempdir().full_path)
            (path,) = pathlib.Path(folder).glob(name)
            path.write_bytes(path.read_bytes()[:100])
            with (
                self.subTest(name),
                self.assertRaisesRegex(errors.UserError, "damaged|cannot be read"),
            ):
                imagenet.ImageNet(folder, _SIZE).gather(np.arange(40))

    def test_may_open_all_of_its_files(self):
        self.addCleanup(
            resource.setrlimit,
            resource.RLIMIT_NOFILE,
            resource.getrlimit(resource.RLIMIT_NOFILE),
        )
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY:
            soft = min(soft, hard - 6)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        imagenet.ImageNet(self.folder)
        # Three files a split.
        self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE)[0], soft + 6)

    def test_refuses_a_size_that_is_none(self):
        with self.assertRaisesRegex(errors.UserError, "image_size=0"):
            imagenet.ImageNet(self.folder, image_size=0)


if __name__ == "__main__":
    absltest.main()
