"""Tests of `bsgen.data.registry` and `bsgen.data.datasets.digits`."""

import subprocess
import sys
from unittest import mock

import numpy as np
from absl.testing import absltest

from bsgen import config as configuration
from bsgen import errors
from bsgen.data import arrays, augmentation, dataset, pool, registry, scaling, splits
from tests.data import made_up_imagenet


class RegistryTest(absltest.TestCase):
    def test_digits_are_those_of_scikit_learn(self):
        from sklearn import datasets

        pool = registry.load_pool(configuration.DataConfig(name="digits"))
        expected = datasets.load_digits()
        self.assertEqual(pool.inputs.dtype, np.uint8)
        self.assertEqual(pool.labels.dtype, np.int32)
        self.assertEqual(pool.num_classes, 10)
        self.assertIsNone(pool.train_pool)
        np.testing.assert_array_equal(pool.inputs, expected.images)
        np.testing.assert_array_equal(pool.labels, expected.target)

    def test_random_tasks_follow_the_configuration(self):
        config = configuration.DataConfig(
            name="gaussian_random", train_size=30, validation_size=5, subset_seed=9
        )
        pool = registry.load_pool(config)
        self.assertLen(pool.train_pool, 35)
        self.assertIs(registry.load_pool(config), pool)

    def test_names(self):
        random = {name for name in registry.names() if registry.find(name).is_random}
        self.assertEqual(random, {"gaussian_random", "gaussian_informative"})
        self.assertContainsSubset(
            ("digits", "mnist", "fashion_mnist"), registry.names()
        )
        self.assertEqual(
            registry.prepared_names(),
            ("mnist", "fashion_mnist", "cifar10", "cifar100", "imagenet2012", "ptb"),
        )

    def test_entries_say_what_is_loaded(self):
        data_dir = self.create_tempdir().full_path
        made_up_imagenet.prepare(data_dir)
        for name in ("digits", "gaussian_random", "imagenet2012"):
            entry = registry.find(name)
            settings = configuration.DataConfig(name)
            source = registry.load_source(settings, data_dir)
            self.assertEqual(
                (entry.name, entry.input_shape, entry.num_classes),
                (source.name, source.input_shape, source.num_classes),
            )
            self.assertEqual(isinstance(source, pool.Pool), entry.fits_in_memory)
            if name != "imagenet2012":  # the made-up one is smaller
                split = splits.split(source, settings)
                self.assertLen(split.test, entry.test_size)
                self.assertLen(split.train, entry.train_size or 200)

    def test_usual_treatment_can_be_had(self):
        for name in registry.names():
            entry = registry.find(name)
            self.assertIn(entry.scaling, scaling.names())
            augmentation.by_name(entry.augmentation)

    def test_a_dataset_of_ones_own(self):
        labels = np.arange(6, dtype=np.int32) % 2

        class Toy(dataset.Dataset):
            def load(self, settings, data_dir=None):
                return pool.Pool("toy", np.ones([6, 3], np.float32), labels, 2)

        with mock.patch.dict(registry._DATASETS):
            registry.register(Toy("toy", (3,), 2))
            self.assertIn("toy", registry.names())
            settings = configuration.DataConfig("toy", scaling="none")
            self.assertLen(arrays.load(settings).train[1], 4)
            with self.assertRaisesRegex(errors.UserError, "one of that name"):
                registry.register(Toy("digits", (8, 8), 10))
        self.assertNotIn("toy", registry.names())

    def test_unknown_name_lists_the_known_ones(self):
        config = configuration.DataConfig(name="digit")
        with self.assertRaisesRegex(errors.UserError, "did you mean 'digits'.*mnist"):
            registry.load_pool(config)

    def test_what_does_not_fit_in_memory_is_a_source(self):
        config = configuration.DataConfig(name="imagenet2012")
        with self.assertRaisesRegex(errors.UserError, "does not fit in memory"):
            registry.load_pool(config)
        data_dir = self.create_tempdir().full_path
        with self.assertRaisesRegex(errors.UserError, "get ILSVRC2012_img_train"):
            registry.find("imagenet2012").require(data_dir)
        with self.assertRaisesRegex(errors.UserError, "get ILSVRC2012_img_train"):
            registry.load_source(config, data_dir)
        made_up_imagenet.prepare(data_dir)
        registry.find("imagenet2012").require(data_dir)
        self.assertLen(registry.load_source(config, data_dir), 56)
        digits = configuration.DataConfig()
        self.assertIs(registry.load_source(digits), registry.load_pool(digits))

    def test_embedded_data_do_not_need_tensorflow(self):
        program = (
            "import sys; from bsgen import config, data;"
            "data.load(config.DataConfig(train_size=10));"
            "sys.exit('tensorflow' in sys.modules)"
        )
        subprocess.run([sys.executable, "-c", program], check=True)


if __name__ == "__main__":
    absltest.main()
