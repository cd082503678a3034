"""Tests of `bsgen.data.registry` and `bsgen.data.datasets.digits`."""

import subprocess
import sys

import numpy as np
from absl.testing import absltest

from bsgen import config as configuration
from bsgen import errors
from bsgen.data import registry
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
        random = {name for name in registry.names() if registry.is_random(name)}
        self.assertEqual(random, {"gaussian_random", "gaussian_informative"})
        self.assertContainsSubset(
            ("digits", "mnist", "fashion_mnist"), registry.names()
        )

    def test_input_shapes(self):
        for name, shape in (
            ("digits", (8, 8)),
            ("gaussian_random", (200,)),
            ("mnist", (28, 28, 1)),
            ("cifar100", (32, 32, 3)),
            ("imagenet2012", (224, 224, 3)),
        ):
            self.assertEqual(registry.input_shape(name), shape)

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
            registry.require("imagenet2012", data_dir)
        with self.assertRaisesRegex(errors.UserError, "get ILSVRC2012_img_train"):
            registry.load_source(config, data_dir)
        made_up_imagenet.prepare(data_dir)
        registry.require("imagenet2012", data_dir)
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
