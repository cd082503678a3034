"""Tests that a loss means for measures what it means for `compile` and `fit`."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen.measures import evaluation, group_gradients, products
from tests.measures import keras_losses

# Of float32 sums over tens of terms of order 1.
_CLOSE = {"rtol": 1e-5, "atol": 1e-5}


class MeanLossTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(5)

    @parameterized.parameters(*keras_losses.CASES)
    def test_value_and_hessian_are_those_of_keras(self, name):
        model, data = keras_losses.make(name, self.rng)
        options = {"batch_size": keras_losses.BATCH_SIZE}
        found = evaluation.Evaluation(model, None, data, **options)
        state = evaluation.state_of(model, model, "model")
        expected = keras_losses.evaluate(model, data)
        self.assertAllClose(found.at(state)["loss"], expected, **_CLOSE)
        operator = products.Hessian(model, None, data, **options)
        vector = self.rng.normal(size=operator.size)
        _, product = keras_losses.derivatives(model, data, vector)
        self.assertAllClose(operator.matvec(vector), product, **_CLOSE)

    @parameterized.parameters(
        "own", "sparse", "sum", "weights_divide", "mask", "lists", "adds_losses"
    )
    def test_the_mean_over_examples_is_the_gradient(self, name):
        model, data = keras_losses.make(name, self.rng)
        groups = group_gradients.GroupGradients(
            model, None, data, batch_size=keras_losses.BATCH_SIZE
        )
        found = groups.mean()
        expected, _ = keras_losses.derivatives(model, data, np.zeros(len(found)))
        self.assertAllClose(found, expected, **_CLOSE)
        self.assertEqual(groups.num_groups, keras_losses.NUM_EXAMPLES)


if __name__ == "__main__":
    tf.test.main()
