"""TensorFlow's kernel and our reductions normalize ghosts alike, and when each is."""

from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen.layers import ghost_statistics

_REDUCTIONS = mock.patch.object(ghost_statistics, "_MOST_KERNEL_CALLS", 0)


def _normalize(rows, gamma, beta):
    return ghost_statistics.normalize(rows, gamma, beta, 1e-5)


def _derivatives(rows, gamma, beta, upstream):
    """Outputs, statistics, first derivatives, and second ones along `upstream`."""
    variables = [rows, gamma, beta]
    with tf.GradientTape() as outer:
        outer.watch(variables)
        with tf.GradientTape() as tape:
            tape.watch(variables)
            results = _normalize(*variables)
        gradients = tape.gradient(results[0], variables, upstream)
        total = tf.add_n([tf.reduce_sum(tf.square(each)) for each in gradients])
    return [*results, *gradients, *outer.gradient(total, variables[:2])]


class GhostStatisticsTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        if tf.config.list_physical_devices("GPU"):
            self.skipTest("the kernel is for CPUs")

    def _random(self, mean=0.0, spread=1.0):
        generator = np.random.default_rng(5)
        shapes = ((3, 40, 6), (6,), (6,), (3, 40, 6))
        rows, *others = (generator.normal(size=shape) for shape in shapes)
        values = (mean + spread * rows, *others)
        return [tf.constant(each, tf.float32) for each in values]

    @parameterized.parameters(True, False)
    def test_kernel_equals_reductions(self, eager):
        function = _derivatives if eager else tf.function(_derivatives)
        by_kernel = function(*self._random())
        function = _derivatives if eager else tf.function(_derivatives)
        with _REDUCTIONS:
            by_reductions = function(*self._random())
        # Float32, sums of up to 120 terms of order 1; second derivatives square them.
        for own, other in zip(by_kernel, by_reductions, strict=True):
            scale = float(tf.reduce_max(tf.abs(other)))
            self.assertAllClose(own, other, rtol=0, atol=2e-5 * scale)

    @parameterized.parameters((0.0, 1.0), (1000.0, 0.1))
    def test_variance_takes_two_passes(self, mean, spread):
        rows, gamma, beta, _ = self._random(mean, spread)
        expected = np.var(rows.numpy().astype(float), 1)
        for jit in (False, True):
            _, _, variance = tf.function(_normalize, jit_compile=jit)(rows, gamma, beta)
            # The mean is off by about 1e-7 of itself, and the variance by its square.
            self.assertAllClose(variance, expected, rtol=1e-4, atol=4e-8 * mean)

    def test_the_kernel_is_for_graphs_of_few_ghosts(self):
        def operations(ghosts, jit=False):
            signature = tf.TensorSpec([ghosts, 8, 2]), tf.TensorSpec([2])
            function = tf.function(_normalize, jit_compile=jit)
            graph = function.get_concrete_function(*signature, signature[1]).graph
            return [each.type for each in graph.get_operations()]

        self.assertEqual(operations(2).count("FusedBatchNormV3"), 2)
        for types in (operations(2, jit=True), operations(17), operations(None)):
            self.assertNotIn("FusedBatchNormV3", types)


if __name__ == "__main__":
    tf.test.main()
