"""Sums over the rows of each ghost, in the form that is fast on the device.

XLA's reduction of the middle axis of [ghosts, rows, channels] on a CPU writes whatever
it sums to memory first, and so does a product with ones. A sum in two stages does not:
rows p apart are added up in one pass that also computes the summands, which leaves a
p-th of them. The second stage is a product with ones, because XLA would merge two
reductions into one. Under `tf.vectorized_map` such a product is slow, so that short
ghosts, as stacked dense networks have them, take the one reduction. BUILD_NOTES.md has
the measurements.

On a GPU a product would round its factors to TensorFloat-32, and reductions are fast.
"""

import math

import tensorflow as tf

_PIECES = 8  # a power of two; 4 and 16 take about the same time, 32 twice as long
_LEAST_ROWS = 64  # from where on two stages are faster


def over_rows(values: tf.Tensor) -> tf.Tensor:
    """Returns the sums over the rows, [ghosts, 1, channels].

    Args:
      values: [ghosts, rows, channels], float32 or float64; all but the channels may
        be unknown in a graph.
    """
    num_rows = values.shape[1]
    short = num_rows is not None and num_rows < _LEAST_ROWS
    if short or tf.config.list_physical_devices("GPU"):
        return tf.reduce_sum(values, axis=1, keepdims=True)
    values = tf.reduce_sum(_in_pieces(values), axis=1)
    shape = tf.shape(values)
    return tf.matmul(tf.ones([shape[0], 1, shape[1]], values.dtype), values)


def _in_pieces(values: tf.Tensor) -> tf.Tensor:
    """Returns [ghosts, pieces, rows / pieces, channels]."""
    num_ghosts, num_rows, channels = values.shape
    if num_rows is None or num_ghosts is None:
        num_ghosts, num_rows, _ = tf.unstack(tf.shape(values))
        two_adic = tf.bitwise.bitwise_and(num_rows, -num_rows)  # 0 for no rows
        pieces = tf.clip_by_value(two_adic, 1, _PIECES)
    else:
        pieces = math.gcd(num_rows, _PIECES)
    return tf.reshape(values, [num_ghosts, pieces, num_rows // pieces, channels])
