"""Examples that a model, its loss or its metrics cannot take: one line at the start."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors
from tests.tuning import linear_models


class ExampleChecksTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        (
            r"inputs of shapes \[\(4,\)\].*takes one input of shape \(3,\)",
            linear_models.linear,
            {"loss": "mse", "validation_data": (np.zeros((5, 4)), np.zeros(5))},
        ),
        (
            r"train_data='inputs \(5, 3\) and targets \(5, 2\)': model, loss and ",
            lambda: keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)]),
            {
                "loss": "mse",
                "train_data": (np.zeros((5, 3)), np.zeros((5, 2))),
                "validation_data": (np.zeros((5, 3)), np.zeros((5, 4))),
            },
        ),
        (
            r"validation_data='inputs \(5, 3\) and targets \(5, 2\)': model, loss and "
            r"metrics cannot take them \(Dimensions must be equal",
            lambda: keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)]),
            {"loss": "mse", "validation_data": (np.zeros((5, 3)), np.zeros((5, 2)))},
        ),
        (
            r"validation_data=.* \(Received a label value of 2 which is outside",
            linear_models.classifier,
            {
                "loss": "sparse_categorical_crossentropy",
                "train_data": linear_models.class_data(),
                "validation_data": (np.zeros((5, 3)), np.full(5, 2)),
            },
        ),
        (
            r"train_data=.* \(Received a label value of 2 which is outside the valid "
            r"range of \[0, 2\)\.\)$",
            linear_models.classifier,
            {
                "loss": "sparse_categorical_crossentropy",
                "train_data": (np.zeros((50, 3)), np.arange(50) // 49 * 2),
                "validation_data": linear_models.class_data(),
            },
        ),
        (
            r"train_data=.* \(indices\[.*\] = 7 is not in \[0, 7\)",
            lambda: keras.Sequential(
                [keras.Input(()), keras.layers.Embedding(7, 1)], name="words"
            ),
            {
                "loss": "mse",
                "train_data": (np.arange(8), np.zeros((8, 1))),
                "validation_data": (np.arange(7), np.zeros((7, 1))),
            },
        ),
        (
            "train_data='examples': the untrained model's loss on them is NaN",
            linear_models.linear,
            {
                "loss": lambda wanted, found: tf.sqrt(wanted + 0 * found),
                "train_data": (np.zeros((5, 3)), np.arange(4, -1, -1) - 0.5),
                "validation_data": (np.zeros((5, 3)), np.ones(5)),
            },
        ),
        (
            r"train_data=.* \(Cast string to float is not supported",
            linear_models.classifier,
            {
                "loss": "sparse_categorical_crossentropy",
                "train_data": (np.zeros((2, 3)), np.array(["a", "b"])),
                "validation_data": linear_models.class_data(),
            },
        ),
    )
    def test_refuses(self, message, build, more):
        with self.assertRaisesRegex(errors.UserError, message):
            linear_models.trainer(build, **more)


if __name__ == "__main__":
    tf.test.main()
