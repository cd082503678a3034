"""Cuts a batch into ghost batches, and says what becomes of examples left over.

Hoffer et al. (2017), arXiv:1705.08741, algorithm 1, scatters the batch to ghosts of
consecutive examples and is silent on a remainder; the policies are our choice.
"""

import math
from typing import Literal

import tensorflow as tf

from bsgen import errors

Remainder = Literal["error", "smaller"]
REMAINDERS = ("error", "smaller")


def cut(
    examples: tf.Tensor, ghost_batch_size: int, remainder: Remainder
) -> list[tf.Tensor]:
    """Returns the ghosts of a batch, those of equal size stacked.

    Args:
      examples: [batch, ..., channels]; all but channels may be unknown in a graph.
        What stands between them counts as positions of an example.
      ghost_batch_size: G, examples a full ghost, at least 2.
      remainder: for a batch that G does not divide: "error" refuses it, "smaller" adds
        one ghost of the examples left over; a single one joins the ghost before it.

    Returns:
      The full ghosts, [ghosts, G * positions, channels], and with "smaller" the last
      one of another size, [1, its examples * positions, channels], if the batch has one
      or its size is unknown (then it may have no rows).

    Raises:
      UserError: the policy refuses the batch. If its size is unknown in a graph, an
        `InvalidArgumentError` when it runs.
    """
    examples = _checked(examples, ghost_batch_size, remainder)
    batch_size, *inner, channels = _sizes(examples)
    if remainder == "smaller":
        # A batch of up to G + 1 is one ghost: none is ever empty.
        whole = batch_size <= ghost_batch_size + 1
        if isinstance(whole, bool):
            ghost_batch_size = batch_size if whole else ghost_batch_size
        else:
            # At least 2, so that tf.split refuses a single example under XLA too.
            at_least_two = tf.maximum(batch_size, 2)
            ghost_batch_size = tf.where(whole, at_least_two, ghost_batch_size)
    full_shape = [-1, math.prod(inner, start=ghost_batch_size), channels]
    left = batch_size % ghost_batch_size
    if remainder == "error" or (isinstance(left, int) and left == 0):
        return [tf.reshape(examples, full_shape)]
    single = left == 1
    joined = ghost_batch_size * (
        int(single) if isinstance(single, bool) else tf.cast(single, tf.int32)
    )
    num_left = left + joined
    full, last = tf.split(examples, [batch_size - num_left, num_left])
    return [tf.reshape(full, full_shape), tf.reshape(last, [1, -1, channels])]


def _sizes(tensor: tf.Tensor) -> list[int | tf.Tensor]:
    """The shape of a tensor, as integers as far as they are known."""
    dynamic = tf.shape(tensor)
    return [
        dynamic[axis] if size is None else size
        for axis, size in enumerate(tensor.shape)
    ]


def _checked(
    examples: tf.Tensor, ghost_batch_size: int, remainder: Remainder
) -> tf.Tensor:
    """Returns the batch; raises, now or in the graph, if the policy refuses it."""
    batch_size = _sizes(examples)[0]
    if remainder == "error":
        fits = (batch_size % ghost_batch_size == 0) & (batch_size >= ghost_batch_size)
        reason = (
            "does not divide it; choose a divisor of the per-replica batch, drop the "
            'last partial batch, or give remainder="smaller"'
        )
    else:
        fits = batch_size >= 2
        reason = "the batch is a ghost of less than two examples; drop it"
    replicas = tf.distribute.get_replica_context()
    num_replicas = replicas.num_replicas_in_sync if replicas else 1
    if not isinstance(fits, bool):
        words = ["ghost_batch_size=", ghost_batch_size, ": per-replica batch ="]
        words += [batch_size, f" on {num_replicas} replicas: {reason}"]
        with tf.control_dependencies([tf.debugging.Assert(fits, words)]):
            return tf.identity(examples)
    if not fits:
        where = f"per-replica batch {batch_size}, batch {batch_size * num_replicas}"
        reason = f"{where}: {reason}"
        raise errors.UserError("ghost_batch_size", ghost_batch_size, reason)
    return examples
