"""Tests of `bsgen.measures.objective.class_weighted`, against what `fit` reports."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, measures

_WEIGHTS = {0: 0.5, 2: 3.0}  # and 1 for class 1


class ClassWeightedTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(one_hot=[False, True], dataset=[False, True])
    def test_the_loss_is_that_of_fit(self, one_hot, dataset):
        keras.utils.set_random_seed(0)
        draw = np.random.default_rng(0)
        x = draw.normal(size=(12, 4)).astype(np.float32)
        y = draw.integers(0, 3, 12)
        kind = "categorical" if one_hot else "sparse_categorical"
        y = np.eye(3, dtype=np.float32)[y] if one_hot else y
        outputs = keras.layers.Dense(3, activation="softmax")
        model = keras.Sequential([keras.Input((4,)), outputs])
        model.compile(keras.optimizers.SGD(0.0), f"{kind}_crossentropy")
        fitted = model.fit(x, y, 12, class_weight=_WEIGHTS, verbose=0)
        data = (x, y)
        if dataset:
            data = tf.data.Dataset.from_tensor_slices(data).batch(12)
        weighted = measures.class_weighted(data, _WEIGHTS)
        line = measures.loss_along_line(model, None, weighted, model, model, [0.0])
        self.assertAllClose(line.loss[0], fitted.history["loss"][0], rtol=1e-6)

    @parameterized.parameters(
        ((np.ones((2, 1)), np.ones(2), np.ones(2)), {0: 1.0}),
        ((np.ones((2, 1)), {"a": np.ones(2)}), {0: 1.0}),
        ((np.ones((2, 1)), np.ones(2)), [1.0, 2.0]),
        ((np.ones((2, 1)), np.ones(2)), {0: -1.0}),
    )
    def test_refusals(self, data, class_weight):
        with self.assertRaisesRegex(errors.UserError, "class_weight"):
            measures.class_weighted(data, class_weight)


if __name__ == "__main__":
    tf.test.main()
