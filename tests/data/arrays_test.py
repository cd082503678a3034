"""Tests of `bsgen.data.arrays`."""

import numpy as np
from absl.testing import absltest

from bsgen import config as configuration
from bsgen import data, errors


class ArraysTest(absltest.TestCase):
    def test_digits_are_scaled_by_training_examples_alone(self):
        config = configuration.DataConfig(
            train_size=300, validation_size=100, scaling="unit_norm", subset_seed=2
        )
        arrays = data.load(config)
        pool = data.load_pool(config)
        split = data.split(pool, config)
        train = pool.inputs[split.train].astype(np.float64)
        mean = train.mean(axis=0)
        norm = np.sqrt(np.square(train - mean).sum(axis=(1, 2)).mean())
        parts = (arrays.train, arrays.validation, arrays.test)
        places = (split.train, split.validation, split.test)
        for (inputs, labels), positions in zip(parts, places, strict=True):
            self.assertEqual(inputs.dtype, np.float32)
            expected = (pool.inputs[positions] - mean) / norm
            np.testing.assert_allclose(inputs, expected, atol=1e-6)
            np.testing.assert_array_equal(labels, pool.labels[positions])
        self.assertEqual(arrays.num_classes, 10)

    def test_no_validation_examples(self):
        inputs, labels = data.load(configuration.DataConfig()).validation
        self.assertEqual(inputs.shape, (0, 8, 8))
        self.assertEqual(labels.shape, (0,))

    def test_a_name_alone(self):
        message = "config='digits': give a config.DataConfig, such as"
        with self.assertRaisesRegex(errors.UserError, message):
            data.load("digits")


if __name__ == "__main__":
    absltest.main()
