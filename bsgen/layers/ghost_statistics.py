"""Normalization of each ghost batch by its own statistics: one reduction for all.

Hoffer et al. (2017), arXiv:1705.08741, algorithm 1, training phase, for the rows X^l of
ghost l, each channel by itself:

    mu^l    = mean of X^l
    sigma^l = sqrt(mean of (X^l - mu^l)^2 + epsilon)
    Y^l     = gamma (X^l - mu^l) / sigma^l + beta

A batch reshaped to [ghosts, rows, channels] needs no loop over its ghosts. The gradient
is in closed form, because automatic differentiation takes several more passes over the
tensor. With a = gamma / sigma, u = (x - mu) / sigma, D the gradient of y, and means
over the rows of a ghost,

    dx = a (D - mean(D) - u mean(D u)),   dgamma = sum D u,   dbeta = sum D.

Under a mask mu and sigma are means over the n counted rows only. Every row is
normalized, so the D of every row counts; with m = 1 for a counted row and 0 for others,

    dx = a (D - m sum(D) / n - m u sum(D u) / n).

Statistics are at least float32, and the variance takes a second pass: E[x^2] - E[x]^2
suffers from cancellation and can become negative.

Nothing but XLA fuses these passes. So a graph that XLA does not compile calls them as a
function that it does, where the shape is known and not tiny; on a CPU, TensorFlow's own
two-pass kernel, called ghost by ghost, is as fast for few, large ghosts and needs no
compilation (BUILD_NOTES.md). Under XLA the kernel is not used: XLA would turn it into
E[x^2] - E[x]^2.
"""

import math
from collections.abc import Callable

import keras
import tensorflow as tf
from tensorflow.python.ops import control_flow_util

from bsgen.layers import ghost_sums

# For TensorFlow's kernel: ghosts a batch, because graphs of more take long to build;
# elements a ghost, because its calls on fewer cost more than a compiled function.
_MOST_KERNEL_CALLS = 16
_LEAST_KERNEL_ELEMENTS = 2**17
_LEAST_COMPILED_ELEMENTS = 2**16  # of a batch; below, fusing its passes gains nothing


def normalize(
    rows: tf.Tensor,
    gamma: tf.Tensor,
    beta: tf.Tensor,
    epsilon: float,
    counted: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns each ghost normalized by its own mean and variance, and both of them.

    The mean and the variance carry no gradient: they feed running averages.

    Args:
      rows: [ghosts, rows, channels], any float; without rows, statistics are zero.
      gamma: [channels], the scale, float32 or float64.
      beta: [channels], the offset, of `gamma`'s type.
      epsilon: positive, added to the variance.
      counted: [ghosts, rows, 1], bool, which rows the statistics are taken over; None
        for all of them. A ghost without any has zero statistics.

    Returns:
      `(outputs, mean, variance)`: the shape and type of `rows`; [ghosts, channels] and
      [ghosts, channels] of `gamma`'s type, the variance biased (divided by the rows).
    """
    if counted is None and _kernel_serves(rows, gamma):
        return _normalize_by_kernel(rows, gamma, beta, epsilon)
    if _compiles_alone(rows):
        return _compiled(rows, gamma, beta, epsilon, counted)
    return _normalize_by_sums(rows, gamma, beta, epsilon, counted)


def count_rows(
    rows: tf.Tensor, counted: tf.Tensor | None, dtype: tf.DType
) -> tf.Tensor:
    """Returns how many rows of each ghost the statistics are taken over, [ghosts].

    Args:
      rows: [ghosts, rows, channels].
      counted: [ghosts, rows, 1], bool; None for all rows.
      dtype: of the result.
    """
    if counted is not None:
        return tf.reduce_sum(tf.cast(counted, dtype), [1, 2])
    shape = tf.shape(rows)
    return tf.repeat(tf.cast(shape[1], dtype), shape[0])


def statistics_dtype(dtype: str) -> str:
    """Returns the type of statistics for inputs of `dtype`: float32 at least."""
    return keras.backend.result_type(dtype, "float32")


def under_xla() -> bool:
    """Returns whether the graph being traced is compiled by XLA."""
    graph = tf.compat.v1.get_default_graph()
    return control_flow_util.GraphOrParentsInXlaContext(graph)


def _kernel_serves(rows: tf.Tensor, gamma: tf.Tensor) -> bool:
    """Returns whether TensorFlow's two-pass kernel is usable here, and faster."""
    if not rows.shape.is_fully_defined() or gamma.dtype != tf.float32:
        return False
    num_ghosts, *shape = rows.shape
    small = math.prod(shape) < _LEAST_KERNEL_ELEMENTS
    if small or not 1 <= num_ghosts <= _MOST_KERNEL_CALLS:
        return False
    return not (tf.config.list_physical_devices("GPU") or under_xla())


def _compiles_alone(rows: tf.Tensor) -> bool:
    """Returns whether XLA should compile the normalization, but not its graph.

    Every shape costs a compilation, so it has to be known, and not to change from call
    to call, as it may in eager mode.
    """
    if tf.executing_eagerly() or under_xla() or not rows.shape.is_fully_defined():
        return False
    return math.prod(rows.shape) >= _LEAST_COMPILED_ELEMENTS


def _normalize_by_sums(
    rows: tf.Tensor,
    gamma: tf.Tensor,
    beta: tf.Tensor,
    epsilon: float,
    counted: tf.Tensor | None,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Computes `normalize` for all ghosts at once, with the closed-form gradient."""
    num_rows = tf.maximum(count_rows(rows, counted, gamma.dtype), 1)[:, None, None]
    statistics: list[tf.Tensor] = []

    def of_counted(values: tf.Tensor) -> tf.Tensor:
        return values if counted is None else tf.where(counted, values, 0)

    @tf.custom_gradient
    def forward(
        rows: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[..., tuple[tf.Tensor, ...]]]:
        mean = ghost_sums.over_rows(of_counted(tf.cast(rows, gamma.dtype))) / num_rows
        centred = tf.cast(rows, gamma.dtype) - mean
        variance = ghost_sums.over_rows(of_counted(tf.square(centred))) / num_rows
        inverse = tf.math.rsqrt(variance + epsilon)
        slope = gamma * inverse
        statistics.extend([mean, variance])

        def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            gradient = tf.cast(upstream, gamma.dtype)
            # Recomputed, so that only `rows` is kept in memory, in its own precision.
            centred = tf.cast(rows, gamma.dtype) - mean
            mean_gradient = ghost_sums.over_rows(gradient) / num_rows
            correlation = ghost_sums.over_rows(gradient * centred) / num_rows * inverse
            row_gradient = slope * gradient - of_counted(
                centred * (slope * inverse * correlation) + slope * mean_gradient
            )
            return (
                tf.cast(row_gradient, rows.dtype),
                tf.reduce_sum(num_rows * correlation, [0, 1]),
                tf.reduce_sum(num_rows * mean_gradient, [0, 1]),
            )

        return tf.cast(centred * slope + beta, rows.dtype), backward

    outputs = forward(rows, gamma, beta)
    mean, variance = (tf.stop_gradient(each[:, 0]) for each in statistics)
    return outputs, mean, variance


_compiled = tf.function(_normalize_by_sums, autograph=False, jit_compile=True)


def _normalize_by_kernel(
    rows: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Computes `normalize` ghost by ghost; splitting the first axis copies nothing."""
    num_ghosts, num_rows, channels = rows.shape
    ghosts = [
        tf.raw_ops.FusedBatchNormV3(
            x=tf.reshape(ghost, [num_rows, 1, 1, channels]),
            scale=gamma,
            offset=beta,
            mean=[],
            variance=[],
            epsilon=epsilon,
            is_training=True,
        )
        for ghost in tf.split(rows, num_ghosts)
    ]
    outputs = tf.concat([ghost.y for ghost in ghosts], 0)
    mean = tf.stack([ghost.batch_mean for ghost in ghosts])
    unbiased = tf.stack([ghost.batch_variance for ghost in ghosts])
    variance = unbiased * ((num_rows - 1) / num_rows)
    outputs = tf.reshape(outputs, rows.shape)
    return outputs, tf.stop_gradient(mean), tf.stop_gradient(variance)
