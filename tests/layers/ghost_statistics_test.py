"""All forms of the normalization of ghosts compute the same, and when each is taken."""

import contextlib
import itertools
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen.layers import ghost_statistics
from tests.references import ghost_batch_norm as twin

_EPSILON = 1e-2
# Rows a ghost: few; in eight pieces; in two; none of the two stages.
_ROWS = (16, 72, 70, 65)
_MODES = ("eager", "graph", "compiled", "kernel", "XLA", "unknown", "unknown, XLA")
_KERNEL = mock.patch.object(ghost_statistics, "_LEAST_KERNEL_ELEMENTS", 1)
_COMPILED = mock.patch.object(ghost_statistics, "_LEAST_COMPILED_ELEMENTS", 0)
_PATCHES = {"kernel": _KERNEL, "compiled": _COMPILED}


def _normalize(rows, gamma, beta, counted=None):
    return ghost_statistics.normalize(rows, gamma, beta, _EPSILON, counted)


def _derivatives(rows, gamma, beta, upstream, counted=None):
    """Outputs, mean, variance, and the gradients of rows, gamma and beta."""
    variables = [rows, gamma, beta]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        results = _normalize(*variables, counted)
    return [*results, *tape.gradient(results[0], variables, upstream)]


def _second_derivatives(*arguments):
    """Those of the sum of the squared first ones."""
    variables = arguments[:3]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        gradients = _derivatives(*arguments)[3:]
        total = tf.add_n([tf.reduce_sum(tf.square(each)) for each in gradients])
    return tape.gradient(total, variables[:2])


def _case(seed, num_rows, dtype="float32", ghosts=3, channels=6, leading=()):
    """Rows with a mean of 1 and a spread of 2, gamma, beta and upstream gradients."""
    generator = np.random.default_rng(seed)
    shape = (*leading, ghosts, num_rows, channels)
    rows = 1 + 2 * generator.normal(size=shape)
    gamma, beta = generator.uniform(0.5, 2, size=(2, *leading, channels))
    wide = tf.as_dtype(ghost_statistics.statistics_dtype(dtype))
    types = (dtype, wide, wide, dtype)
    values = (rows, gamma, beta, generator.normal(size=shape))
    return [tf.cast(each, kind) for each, kind in zip(values, types, strict=True)]


def _expected(rows, gamma, beta, upstream):
    """What `_derivatives` should return, in float64."""
    rows, gamma, beta, upstream = (
        tf.cast(each, tf.float64).numpy() for each in (rows, gamma, beta, upstream)
    )
    ghosts, num_rows, channels = rows.shape
    flat = (rows.reshape(-1, channels), upstream.reshape(-1, channels))
    arguments = (_EPSILON, -1, num_rows)
    y, statistics = twin.normalize(flat[0], gamma, beta, *arguments)
    unscaled, _ = twin.normalize(flat[0], gamma * 0 + 1, beta * 0, *arguments)
    dx = twin.input_gradient(*flat, gamma, *arguments)
    mean, variance, *_ = (np.stack(each) for each in zip(*statistics, strict=True))
    y, dx = y.reshape(rows.shape), dx.reshape(rows.shape)
    return [y, mean, variance, dx, (flat[1] * unscaled).sum(0), flat[1].sum(0)]


class GhostStatisticsTest(tf.test.TestCase, parameterized.TestCase):
    def assert_close(self, found, expected, dtype="float32"):
        # Relative to the largest value: sums of some hundred terms, and the rounding of
        # outputs. Statistics of low precision are float32's.
        bounds = {"float64": 1e-13, "float32": 3e-6, "bfloat16": 2**-8, "float16": 1e-3}
        for own, other in zip(found, expected, strict=True):
            scale = float(np.max(np.abs(other)))
            self.assertAllClose(
                tf.cast(own, tf.float64), other, rtol=0, atol=bounds[dtype] * scale
            )

    @parameterized.parameters(
        *itertools.product(_ROWS, _MODES, ["float32"]),
        *itertools.product([72], _MODES[1:5], ["float64", "bfloat16", "float16"]),
    )
    def test_every_form_is_the_twin(self, num_rows, mode, dtype):
        case = _case(num_rows, num_rows, dtype)
        signature = None
        if "unknown" in mode:
            signature = [tf.TensorSpec([None, None, 6], dtype)]
            signature += [tf.TensorSpec([6], case[1].dtype)] * 2 + signature
        function = tf.function(
            _derivatives, input_signature=signature, jit_compile="XLA" in mode
        )
        with _PATCHES.get(mode, contextlib.nullcontext()):
            found = (_derivatives if mode == "eager" else function)(*case)
        self.assertEqual(found[0].dtype, dtype)
        self.assert_close(found, _expected(*case), dtype)

    @parameterized.product(num_rows=(16, 1088), known=(True, False))
    def test_the_sums_of_a_gpu(self, num_rows, known):
        case = _case(num_rows, num_rows)
        rows = tf.TensorSpec(case[0].shape if known else [None, None, 6])
        signature = [rows, tf.TensorSpec([6]), tf.TensorSpec([6]), rows]
        with mock.patch.object(tf.config, "list_physical_devices", return_value=["it"]):
            function = tf.function(_derivatives, input_signature=signature)
            found = function(*case)
        self.assert_close(found, _expected(*case))

    @parameterized.product(num_rows=(16, 72), jit=(False, True))
    def test_stacked_runs_are_single_ones(self, num_rows, jit):
        case = _case(7, num_rows, leading=(4,))

        @tf.function(jit_compile=jit)
        def stacked(*arguments):
            return tf.vectorized_map(lambda run: _derivatives(*run), arguments)

        with _COMPILED:
            found = stacked(*case)
        for run in range(4):
            expected = _expected(*(each[run] for each in case))
            self.assert_close([each[run] for each in found], expected)

    @parameterized.parameters(16, 72, 65)
    def test_masks_alike_in_all_modes(self, num_rows):
        # The layer's own tests compare masks with the twin.
        case = _case(8, num_rows)
        counted = np.random.default_rng(9).random((3, num_rows, 1)) < 0.5
        expected = _derivatives(*case, counted)
        for patch, jit in ((_COMPILED, False), (_COMPILED, True), (_KERNEL, False)):
            function = tf.function(_derivatives, jit_compile=jit)
            with patch:
                found = function(*case, counted)
            self.assert_close(found, expected)

    @parameterized.product(num_rows=(40, 72), jit=(None, False, True))
    def test_second_derivatives_are_those_of_the_kernel(self, num_rows, jit):
        if tf.config.list_physical_devices("GPU"):
            self.skipTest("the kernel is for CPUs")
        case = _case(5, num_rows)
        with _KERNEL:
            expected = _second_derivatives(*case)
        function = _second_derivatives
        if jit is not None:
            function = tf.function(_second_derivatives, jit_compile=jit)
        with _COMPILED:
            found = function(*case)
        # Float32, sums of up to 216 terms of order 1, squared.
        for own, other in zip(found, expected, strict=True):
            scale = float(tf.reduce_max(tf.abs(other)))
            self.assertAllClose(own, other, rtol=0, atol=2e-5 * scale)

    @parameterized.product(
        moments=((0.0, 1.0), (1000.0, 0.1)), few=(True, False), jit=(True, False)
    )
    def test_variance_takes_two_passes(self, moments, few, jit):
        mean, spread = moments
        rows, gamma, beta, _ = _case(5, 16 if few else 72)
        rows = mean + spread * (rows - 1) / 2
        expected = np.var(rows.numpy().astype(float), 1)
        for form in (_KERNEL, _COMPILED):
            with form:
                function = tf.function(_normalize, jit_compile=jit)
                _, _, variance = function(rows, gamma, beta)
            # The mean is off by about 1e-7 of itself, and the variance by its square.
            self.assertAllClose(variance, expected, rtol=1e-4, atol=4e-8 * mean)

    def test_which_form_a_graph_takes(self):
        if tf.config.list_physical_devices("GPU"):
            self.skipTest("the kernel is for CPUs")

        def counts(ghosts, rows=2**16, jit=False):
            signature = tf.TensorSpec([ghosts, rows, 2]), tf.TensorSpec([2])
            function = tf.function(_normalize, jit_compile=jit)
            graph = function.get_concrete_function(*signature, signature[1]).graph
            types = [each.type for each in graph.get_operations()]
            calls = [each for each in types if each.endswith("PartitionedCall")]
            return types.count("FusedBatchNormV3"), len(calls)

        self.assertEqual(counts(2), (2, 0))
        for compiled in (counts(17), counts(2, 2**15), counts(64, 2**9)):
            self.assertEqual(compiled, (0, 1))
        for neither in (counts(2, jit=True), counts(17, jit=True), counts(None)):
            self.assertEqual(neither, (0, 0))
        self.assertEqual(counts(2, 2**12), (0, 0))


if __name__ == "__main__":
    tf.test.main()
