"""What GhostBatchNormalization computes: against a twin, Keras, and itself."""

import itertools

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import layers
from tests.references import ghost_batch_norm as twin

_RULES = ("sequential", "sequential_scaled", "mean", "pooled")
# Float32 rounds at 6e-8; values of order 1 go through some ten operations and means of
# at most a few hundred rows.
_TOLERANCE = 3e-6


def random_case(generator, remainder=False):
    """A ghost size, inputs and their axis; the last ghost is smaller if asked for."""
    ghost = int(generator.integers(2, 6))
    batch = ghost * int(generator.integers(1, 5))
    if remainder:
        batch += int(generator.integers(1, ghost))
    inner = generator.integers(1, 5, size=generator.integers(1, 4))
    axis = int(generator.integers(1, len(inner) + 1))
    x = generator.normal(0.5, 1.5, size=(batch, *inner)).astype(np.float32)
    return ghost, x, axis - (len(inner) + 1) * int(generator.integers(2))


def randomize(layer, generator):
    """Gives a built layer weights away from 0 and 1."""
    weights = [generator.uniform(0.5, 2.0, w.shape) for w in layer.weights]
    layer.set_weights(weights)
    return weights


def value_and_gradients(layer, x, upstream, **function):
    @tf.function(**function)
    def both(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        variables = [weight.value for weight in layer.trainable_variables]
        return y, tape.gradient(y, [x, *variables], upstream)

    y, gradients = both(tf.constant(x))
    return [y, *gradients]


class AgainstTheTwinTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*itertools.product(_RULES, (False, True)))
    def test_random_shapes(self, rule, remainder):
        generator = np.random.default_rng([_RULES.index(rule), remainder])
        for number in range(8):
            ghost, x, axis = random_case(generator, remainder)
            spread = ("std", "variance")[number % 2]
            unbiased = number % 4 >= 2 and ghost > 2
            layer = layers.GhostBatchNormalization(
                ghost,
                axis=axis,
                momentum=0.7,
                epsilon=0.01,
                running_statistics=rule,
                running_spread=spread,
                unbiased=unbiased,
            )
            layer.build(x.shape)
            gamma, beta, *old = randomize(layer, generator)
            if spread == "std":
                old[1] = np.sqrt(old[1] + 0.01)
            upstream = generator.normal(size=x.shape).astype(np.float32)
            y, dx, dgamma, dbeta = value_and_gradients(layer, x, upstream)
            expected, statistics = twin.normalize(x, gamma, beta, 0.01, axis, ghost)
            expected_dx = twin.input_gradient(x, upstream, gamma, 0.01, axis, ghost)
            others = tuple(each for each in range(x.ndim) if each != axis % x.ndim)
            unscaled = twin.normalize(x, gamma * 0 + 1, beta * 0, 0.01, axis, ghost)[0]
            new = twin.update(
                rule, spread, unbiased, 0.7, 0.01, statistics, ghost, tuple(old)
            )
            # The gradient grows as 1 / sigma, at most 10 here.
            self.assertAllClose(y, expected, atol=10 * _TOLERANCE)
            self.assertAllClose(dx, expected_dx, atol=100 * _TOLERANCE)
            tolerance = {"atol": 100 * _TOLERANCE, "rtol": 10 * _TOLERANCE}
            self.assertAllClose(dgamma, (upstream * unscaled).sum(others), **tolerance)
            self.assertAllClose(dbeta, upstream.sum(others), **tolerance)
            self.assertAllClose(layer.moving_mean, new[0], atol=_TOLERANCE)
            moving = layer.moving_std if spread == "std" else layer.moving_variance
            self.assertAllClose(moving, new[1], rtol=2 * _TOLERANCE)

    def test_sequential_weights_by_hand(self):
        # Ghosts with means 1, 3 and momentum 0.5: ((0.5*0 + 0.5*1) + 3) / 2 = 1.75, and
        # standard deviations sqrt(1 + eps), sqrt(4 + eps) from 1.
        layer = layers.GhostBatchNormalization(2, momentum=0.5)
        layer(tf.constant([[0.0], [2.0], [1.0], [5.0]]), training=True)
        self.assertAllClose(layer.moving_mean, [1.75], rtol=1e-6)
        self.assertAllClose(layer.moving_std, [1.5], rtol=1e-5)


class AgainstKerasTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(((12, 5), -1), ((6, 4, 4, 3), -1), ((6, 3, 4, 2), 1))
    def test_one_ghost_is_batch_normalization(self, shape, axis):
        generator = np.random.default_rng(11)
        x = generator.normal(1, 2, size=shape).astype(np.float32)
        upstream = generator.normal(size=shape).astype(np.float32)
        ours = layers.GhostBatchNormalization(
            shape[0], axis, momentum=0.8, epsilon=1e-3, running_spread="variance"
        )
        theirs = keras.layers.BatchNormalization(axis, momentum=0.8, epsilon=1e-3)
        for layer in (ours, theirs):
            layer.build(shape)
        theirs.set_weights(randomize(ours, generator))
        results = [value_and_gradients(each, x, upstream) for each in (ours, theirs)]
        self.assertAllClose(*results, atol=10 * _TOLERANCE, rtol=10 * _TOLERANCE)
        self.assertAllClose(
            ours.get_weights(), theirs.get_weights(), rtol=10 * _TOLERANCE
        )
        self.assertAllClose(
            ours(x[:1]), theirs(x[:1]), atol=_TOLERANCE, rtol=10 * _TOLERANCE
        )

    @parameterized.parameters("std", "variance")
    def test_inference_by_hand(self, spread):
        layer = layers.GhostBatchNormalization(2, epsilon=1.0, running_spread=spread)
        layer.build((None, 1))
        layer.set_weights(np.array([[3.0], [1.0], [2.0], [15.0]]))
        self.assertAllClose(layer(tf.constant([[10.0]])), [[3 * (10 - 2) / 4 + 1]])
        self.assertAllClose(layer.moving_variance, [15.0])
        self.assertAllClose(layer.moving_std, [4.0])

    def test_not_trainable_is_inference(self):
        layer = layers.GhostBatchNormalization(2, trainable=False)
        x = tf.constant([[1.0], [3.0], [5.0]])  # and no constraint on the batch
        # It starts with a variance of 1, and the default epsilon of 1e-5.
        self.assertAllClose(layer(x, training=True), x / np.sqrt(1 + 1e-5))


class AgainstItselfTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(
        batch=[12, 14, 13, 1, 0], jit=[False, True], known=[False, True]
    )
    def test_graphs_are_eager(self, batch, jit, known):
        x = np.random.default_rng(2).normal(2, 3, (batch, 3, 4)).astype(np.float32)
        shape = (batch if known else None, 3 if known else None, 4)
        kept = []
        for wrap in (lambda function: function, self._graph(shape, jit)):
            layer = layers.GhostBatchNormalization(4)
            layer.build(shape)

            def both(x, layer=layer):
                with tf.GradientTape() as tape:
                    tape.watch(x)
                    y = layer(x, training=True)
                    loss = tf.reduce_sum(y**3)
                return y, tape.gradient(loss, x)

            kept.append([*wrap(both)(tf.constant(x)), *layer.get_weights()])
        self.assertAllClose(*kept, atol=30 * _TOLERANCE, rtol=10 * _TOLERANCE)

    @parameterized.product(
        rule=_RULES, spread=["std", "variance"], masked=[False, True]
    )
    def test_a_single_example_is_as_at_inference(self, rule, spread, masked):
        generator = np.random.default_rng(9)
        x = tf.constant(generator.normal(2, 3, (1, 3, 4)), tf.float32)
        layer = layers.GhostBatchNormalization(
            4, running_statistics=rule, running_spread=spread, unbiased=True
        )
        layer.build((None, 3, 4))
        before = randomize(layer, generator)
        mask = tf.constant([[True, False, True]]) if masked else None
        results = []
        for training in (True, False):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x, training=training, mask=mask)
            variables = [weight.value for weight in layer.trainable_variables]
            results.append([y, *tape.gradient(y, [x, *variables], tf.sin(x))])
        self.assertAllClose(*results, rtol=1e-6)
        for now, weight in zip(layer.get_weights(), before, strict=True):
            self.assertAllEqual(now, np.float32(weight))

    def _graph(self, shape, jit):
        spec = [tf.TensorSpec(shape, tf.float32)]
        return lambda function: tf.function(
            function, input_signature=spec, jit_compile=jit
        )

    @parameterized.product(dtype=["float16", "bfloat16"], jit=[False, True])
    def test_low_precision_is_finite(self, dtype, jit):
        # Squares of these overflow float16, and E[x^2] - E[x]^2 of them cancels.
        x = 3e4 + 100 * np.random.default_rng(4).normal(size=(8, 5, 5, 3))
        x = tf.cast(x, dtype)
        layer = layers.GhostBatchNormalization(4, dtype=f"mixed_{dtype}")
        layer.build(x.shape)
        y, dx, *_ = value_and_gradients(layer, x, tf.ones_like(x), jit_compile=jit)
        self.assertEqual((y.dtype, dx.dtype), (x.dtype, x.dtype))
        self.assertEqual(layer.moving_variance.dtype, "float32")
        expected, statistics = twin.normalize(
            x.numpy().astype(np.float64), np.ones(3), np.zeros(3), 1e-5, -1, 4
        )
        # The output rounds to 8 or 11 bits, values up to 4; the mean of 3e4 rounds to
        # 3e4 * 6e-8 * sqrt(100) = 0.02, 2e-4 of the standard deviation.
        self.assertAllClose(tf.cast(y, tf.float64), expected, atol=0.02)
        self.assertAllClose(dx, tf.zeros_like(x), atol=1e-3)
        means = [each[0] for each in statistics]
        step = 0.1 * means[1] + 0.09 * means[0]
        self.assertAllClose(layer.moving_mean, step, rtol=1e-5)

    def test_a_constant_channel_has_no_negative_variance(self):
        x = tf.fill([64, 7, 3], 1000.1)
        layer = layers.GhostBatchNormalization(
            8, running_spread="variance", momentum=0.0
        )
        y = layer(x, training=True)
        self.assertAllInRange(layer.moving_variance, 0.0, 1e-6)
        # The mean is exact to 1000 * 6e-8 * sqrt(56), divided by sqrt(1e-5).
        self.assertAllClose(y, tf.zeros_like(y), atol=0.2)

    def test_second_derivatives(self):
        # Central differences of the gradient in float64: error h^2 + 1e-16 / h.
        generator = np.random.default_rng(6)
        x = tf.constant(generator.normal(size=(6, 2)))
        direction = tf.constant(generator.normal(size=(6, 2)))
        layer = layers.GhostBatchNormalization(3, epsilon=0.1, dtype="float64")

        def gradient(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = tf.reduce_sum(tf.sin(layer(x, training=True)))
            return tape.gradient(loss, x)

        with tf.GradientTape() as tape:
            tape.watch(x)
            slope = tf.reduce_sum(gradient(x) * direction)
        product = tape.gradient(slope, x)
        step = 1e-5 * direction
        difference = (gradient(x + step) - gradient(x - step)) / 2e-5
        self.assertAllClose(product, difference, atol=1e-8)


if __name__ == "__main__":
    tf.test.main()
