"""Tests of `loop.shares`; those of whole runs are in `trainee_test.py`."""

import keras
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors
from bsgen.training.loop import shares


class BatchStatisticsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ((1, 1, 3), -1, 1, 1, True),
        ((3, 1, 1), 1, 1, 1, True),
        ((3, 1, 1), -1, 1, 1, False),  # 3 positions of one channel
        ((2, 1, 3), -1, 1, 1, False),
        ((5,), -1, 1, 1, True),
        ((5,), -1, 2, 1, False),
        ((5,), -1, 4, 4, True),
        ((5,), -1, 8, 4, False),
    )
    def test_one_value_a_channel_is_refused(
        self, shape, axis, batch_size, replicas, refused
    ):
        inputs = keras.Input(shape)
        outputs = keras.layers.BatchNormalization(axis)(inputs)
        model = keras.Model(inputs, outputs)
        if not refused:
            shares.check_statistics(model, [batch_size, 64], replicas)
            return
        words = f"^batch_size={batch_size}: .*at least {2 * replicas} examples"
        with self.assertRaisesRegex(errors.UserError, words):
            shares.check_statistics(model, [64, batch_size], replicas)

    def test_without_batch_normalization_one_example_is_enough(self):
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])
        shares.check_statistics(model, [1], 1)


if __name__ == "__main__":
    tf.test.main()
