"""Sums over the rows of each ghost, in the form that is fast on the device.

A sum of many rows is taken in two stages: rows p apart are added up first, which leaves
a p-th of them. BUILD_NOTES.md has the measurements.

On a CPU, XLA's reduction of the middle axis of [ghosts, rows, channels] writes whatever
it sums to memory first, and so does a product with ones; the first stage computes its
summands on the way. The second stage is a product with ones, because XLA would merge
two reductions into one. Under `tf.vectorized_map` such a product is slow, so that short
ghosts, as stacked dense networks have them, take one reduction.

On a GPU one reduction of few, long ghosts has too few threads. A product would round
its factors to TensorFloat-32, so that both stages are reductions.
"""

import math

import tensorflow as tf

# From how many rows on two stages are faster, and p, a power of two.
_ON_CPU = 64, 8  # p of 4 and 16 take about the same time, 32 twice as long
_ON_GPU = 1024, 64


def over_rows(values: tf.Tensor) -> tf.Tensor:
    """Returns the sums over the rows, [ghosts, 1, channels].

    Args:
      values: [ghosts, rows, channels], float32 or float64; all but the channels may
        be unknown in a graph.
    """
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    least_rows, most_pieces = _ON_GPU if on_gpu else _ON_CPU
    num_rows = values.shape[1]
    short = num_rows is not None and num_rows < least_rows
    if not short:
        values = tf.reduce_sum(_in_pieces(values, most_pieces), axis=1)
    if short or on_gpu:
        return tf.reduce_sum(values, axis=1, keepdims=True)
    shape = tf.shape(values)
    return tf.matmul(tf.ones([shape[0], 1, shape[1]], values.dtype), values)


def _in_pieces(values: tf.Tensor, most_pieces: int) -> tf.Tensor:
    """Returns [ghosts, pieces, rows / pieces, channels]."""
    num_ghosts, num_rows, channels = values.shape
    if num_rows is None or num_ghosts is None:
        num_ghosts, num_rows, _ = tf.unstack(tf.shape(values))
        power_of_two = tf.bitwise.bitwise_and(num_rows, -num_rows)  # 0 for no rows
        pieces = tf.clip_by_value(power_of_two, 1, most_pieces)
    else:
        pieces = math.gcd(num_rows, most_pieces)
    return tf.reshape(values, [num_ghosts, pieces, num_rows // pieces, channels])
