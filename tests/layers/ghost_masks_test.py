"""Masks in GhostBatchNormalization: statistics over the positions that are kept."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, layers
from tests.references import ghost_batch_norm as twin


def case(seed, batch=10, length=5, channels=3):
    """Inputs, and a mask that drops half of the positions and one ghost of 4."""
    generator = np.random.default_rng(seed)
    x = generator.normal(1, 2, size=(batch, length, channels))
    mask = generator.random((batch, length)) < 0.5
    mask[4:8] = False
    return x, mask


class GhostMasksTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(
        rule=("sequential", "sequential_scaled", "mean", "pooled"),
        spread=("std", "variance"),
        known=(True, False),
    )
    def test_against_the_twin(self, rule, spread, known):
        x, mask = case(1)
        layer = layers.GhostBatchNormalization(
            4,
            epsilon=0.1,
            momentum=0.7,
            running_statistics=rule,
            running_spread=spread,
            dtype="float64",
        )
        layer.build(x.shape)
        specs = [tf.TensorSpec([None, None, 3], tf.float64)]
        specs.append(tf.TensorSpec([None, None], tf.bool))
        call = tf.function(
            lambda x, mask: layer(x, training=True, mask=mask),
            input_signature=None if known else specs,
        )
        y = call(tf.constant(x), tf.constant(mask))
        expected, statistics = twin.normalize(
            x, np.ones(3), np.zeros(3), 0.1, -1, 4, mask
        )
        self.assertAllClose(y, expected, rtol=1e-12)
        # What a ghost counts for is its share of all kept positions.
        total = sum(rows for *_, rows, _ in statistics)
        shares = [[*each[:3], len(x) * each[2] / total] for each in statistics]
        old = np.zeros(3), np.full(3, np.sqrt(1.1) if spread == "std" else 1.0)
        new = twin.update(rule, spread, False, 0.7, 0.1, shares, 4, old)
        moving = layer.moving_std if spread == "std" else layer.moving_variance
        self.assertAllClose(layer.moving_mean, new[0], rtol=1e-12)
        self.assertAllClose(moving, new[1], rtol=1e-12)

    def test_gradient_is_the_difference_quotient(self):
        # Central differences in float64: an error of h^2 = 1e-10 and 1e-16 / h.
        x, mask = case(2, batch=6)
        layer = layers.GhostBatchNormalization(4, epsilon=0.1, dtype="float64")
        layer.build(x.shape)
        layer.gamma.assign([1.0, 2.0, 3.0])
        direction = np.random.default_rng(3).normal(size=x.shape)

        def loss(x):
            return tf.reduce_sum(tf.sin(layer(x, training=True, mask=mask)))

        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(x)
        gradient = tape.gradient(value, x)
        step = 1e-5 * direction
        difference = (loss(x + step) - loss(x - step)) / 2e-5
        self.assertAllClose(tf.reduce_sum(gradient * direction), difference, rtol=1e-7)

    def test_one_ghost_after_an_embedding_is_keras_layer(self):
        tokens = np.random.default_rng(4).integers(0, 4, size=(8, 6))
        results = []
        for own in (True, False):
            keras.utils.set_random_seed(3)
            if own:
                layer = layers.GhostBatchNormalization(
                    8, momentum=0.99, epsilon=1e-3, running_spread="variance"
                )
            else:
                layer = keras.layers.BatchNormalization()
            model = keras.Sequential(
                [
                    keras.Input((6,), dtype="int32"),
                    keras.layers.Embedding(4, 5, mask_zero=True),
                    layer,
                    keras.layers.GlobalAveragePooling1D(),  # needs the mask after it
                    keras.layers.Dense(1),
                ]
            )
            model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=True)
            targets = tokens.mean(1, keepdims=True)
            model.fit(tokens, targets, batch_size=8, epochs=3, verbose=0)
            results.append([*model.get_weights(), model.predict(tokens, verbose=0)])
        # Keras divides by the count plus 1e-7.
        self.assertAllClose(*results, rtol=1e-5, atol=1e-5)

    def test_nothing_that_is_masked_matters(self):
        x, mask = case(5)
        layer = layers.GhostBatchNormalization(4)
        other = np.where(mask[..., None], x, np.inf)
        y, again = (layer(each, training=True, mask=mask) for each in (x, other))
        self.assertAllEqual(y[mask], again[mask])
        self.assertAllEqual(np.isfinite(layer.moving_mean), [True] * 3)

    def test_a_batch_without_a_position_changes_nothing(self):
        for rule in ("sequential", "sequential_scaled", "mean", "pooled"):
            layer = layers.GhostBatchNormalization(
                4, running_statistics=rule, running_spread="variance"
            )
            layer.build((None, 5, 3))
            before = layer.get_weights()
            y = layer(tf.ones([8, 5, 3]), training=True, mask=tf.zeros([8, 5], bool))
            self.assertAllInRange(y, -1e3, 1e3)
            self.assertAllEqual(layer.get_weights(), before)

    @parameterized.parameters(((4, 5), 1), ((4,), -1), ((4, 5, 3), -1))
    def test_other_shapes_are_refused(self, shape, axis):
        layer = layers.GhostBatchNormalization(2, axis)
        with self.assertRaisesRegex(errors.UserError, "^mask=.*without channels"):
            layer(tf.ones([4, 5, 3]), training=True, mask=tf.ones(shape, bool))


if __name__ == "__main__":
    tf.test.main()
