"""Tests of the gradients of groups, for the layers of Keras one group at a time."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors
from bsgen.measures.noise import group_gradients
from tests.measures import layer_zoo, small_models

# Of float32, relative to the longest gradient: both sides round by 6e-8 in each of some
# dozen layers, each of which may hand on some ten times what it takes.
_ROUNDING = 2e-5
_SIZES = {1: 6, 2: 3}  # number of groups, by their size


class GroupGradientsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        *((name, 1) for name in layer_zoo.NETWORKS),
        *((name, 2) for name in ("signals", "einsum", "attention", "lstm")),
    )
    def test_every_layer_as_one_group_at_a_time(self, name, group_size):
        rng = np.random.default_rng([len(name), group_size])
        num_groups = _SIZES[group_size]
        model, inputs, labels = layer_zoo.make(name, rng, num_groups * group_size)
        gradients = np.array(
            [
                small_models.mean_gradient(
                    model,
                    inputs[i * group_size : (i + 1) * group_size],
                    labels[i * group_size : (i + 1) * group_size],
                ).astype(float)
                for i in range(num_groups)
            ]
        )
        direction = rng.normal(size=gradients.shape[1])
        direction /= np.linalg.norm(direction)
        groups = group_gradients.GroupGradients(
            model, small_models.softmax, (inputs, labels), group_size
        )
        # Around zero, deviations are the gradients themselves.
        found = groups.deviations(np.zeros_like(direction), direction)
        longest = np.linalg.norm(gradients, axis=1).max()
        self.assertGreater(longest, 0.01)
        self.assertAllClose(
            np.sqrt(found.squared_norms),
            np.linalg.norm(gradients, axis=1),
            rtol=0,
            atol=_ROUNDING * longest,
        )
        self.assertAllClose(
            found.projections,
            gradients @ direction,
            rtol=0,
            atol=_ROUNDING * longest,
        )
        self.assertAllClose(
            groups.mean(), gradients.mean(0), rtol=0, atol=_ROUNDING * longest
        )

    def test_a_layer_that_takes_no_group_is_named(self):
        layers = keras.layers
        inputs = keras.Input(batch_shape=(4, 3, 2))
        model = keras.Sequential([inputs, layers.LSTM(2, stateful=True)])
        data = np.ones((8, 3, 2), "float32"), np.zeros(8, int)
        groups = group_gradients.GroupGradients(model, small_models.softmax, data)
        with self.assertRaisesRegex(errors.UserError, "LSTM: If an RNN is stateful"):
            groups.mean()


if __name__ == "__main__":
    tf.test.main()
