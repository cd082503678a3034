"""Cuts a batch into ghost batches, with a policy for the examples left over.

Hoffer et al. (2017), arXiv:1705.08741, algorithm 1, scatters the batch to ghosts of
consecutive examples and is silent on a remainder; the policies are our choice.
"""

import math
from typing import Literal, TypeAlias

import tensorflow as tf

from bsgen import errors
from bsgen.layers import ghost_statistics

Remainder = Literal["smaller", "error"]
REMAINDERS = ("smaller", "error")
_Size: TypeAlias = int | tf.Tensor  # a tensor where only the running graph knows it


class Cut:
    """Where a batch is cut: `[alone | full ghosts | last ghost]`, any of them empty.

    With the policy "smaller", the examples that G does not divide form one last ghost,
    but a single one joins the ghost before it. A batch of one example has no spread and
    forms no ghost: it stands alone.
    """

    def __init__(
        self, batch_size: _Size, ghost_batch_size: int, remainder: Remainder
    ) -> None:
        """Finds where to cut.

        Args:
          batch_size: examples of a replica, known or not.
          ghost_batch_size: G, examples a full ghost, at least 2.
          remainder: for a batch that G does not divide: "smaller" or "error".

        Raises:
          UserError: the policy is "error" and G does not divide the batch. If the size
            is unknown in a graph, `checked` raises when that runs; XLA would drop that
            check, so under XLA an unknown size is refused.
        """
        self._batch_size = batch_size
        self._given = ghost_batch_size
        self._strict = remainder == "error"
        if self._strict:
            if isinstance(batch_size, int):
                if not _divides(ghost_batch_size, batch_size):
                    raise _refusal(ghost_batch_size, batch_size)
            elif ghost_statistics.under_xla():
                raise errors.UserError("remainder", remainder, _UNKNOWN_UNDER_XLA)
            self._sizes = 0, ghost_batch_size, 0
        elif isinstance(batch_size, int):
            self._sizes = _known_sizes(batch_size, ghost_batch_size)
        else:
            self._sizes = _unknown_sizes(batch_size, ghost_batch_size)

    def checked(self, examples: tf.Tensor) -> tf.Tensor:
        """Returns the batch, of known size or checked when the graph runs.

        A batch that is refused then raises an `InvalidArgumentError` that says why.
        """
        if not self._strict or isinstance(self._batch_size, int):
            return examples
        words = [f"ghost_batch_size={self._given}: per-replica batch", self._batch_size]
        words.append(f": {_STRICT}")
        fits = _divides(self._given, self._batch_size)
        with tf.control_dependencies([tf.debugging.Assert(fits, words)]):
            return tf.identity(examples)

    def alone(self, examples: tf.Tensor) -> tf.Tensor | None:
        """Returns the example that no ghost takes, [0 or 1, ...]; None if none can."""
        num_alone = self._sizes[0]
        if isinstance(num_alone, int) and not num_alone:
            return None
        return examples[:num_alone]

    def ghosts(self, examples: tf.Tensor) -> list[tf.Tensor]:
        """Returns the ghosts, those of equal size stacked.

        Args:
          examples: [batch, ..., channels]; all but channels may be unknown in a graph.
            The axes in between are the positions of an example.

        Returns:
          The full ghosts, [ghosts, G * positions, channels], and the last one of
          another size, [1, its examples * positions, channels], if the batch has one or
          its size is unknown (then there may be no full ghosts, and no rows in the
          last one).
        """
        num_alone, ghost_batch_size, num_last = self._sizes
        _, *inner, channels = sizes(examples)
        full_shape = [-1, math.prod(inner, start=ghost_batch_size), channels]
        if self._strict:
            return [tf.reshape(examples, full_shape)]
        num_full = self._batch_size - num_alone - num_last
        parts = (num_alone, num_full, num_last)
        if isinstance(num_full, int):
            if not num_last:
                rest = examples[num_alone:] if num_alone else examples
                return [tf.reshape(rest, full_shape)]
            if not num_full:
                return [tf.reshape(examples, [1, -1, channels])]
        _, full, last = tf.split(examples, parts)
        return [tf.reshape(full, full_shape), tf.reshape(last, [1, -1, channels])]


_STRICT = (
    "does not divide it; choose a divisor of the per-replica batch, drop the last "
    "partial batch, or give remainder='smaller'"
)
_UNKNOWN_UNDER_XLA = (
    "XLA cannot check a batch whose size is unknown when the graph is built; batch "
    "with drop_remainder=True, compile with jit_compile=False, or give 'smaller'"
)


def sizes(tensor: tf.Tensor) -> list[_Size]:
    """Returns the shape of a tensor, as integers where they are known."""
    dynamic = tf.shape(tensor)
    return [
        dynamic[axis] if size is None else size
        for axis, size in enumerate(tensor.shape)
    ]


def _refusal(ghost_batch_size: int, batch_size: int) -> errors.UserError:
    replicas = tf.distribute.get_replica_context()
    num_replicas = replicas.num_replicas_in_sync if replicas else 1
    where = f"per-replica batch {batch_size}, batch {batch_size * num_replicas}"
    return errors.UserError("ghost_batch_size", ghost_batch_size, f"{where}: {_STRICT}")


def _divides(ghost_batch_size: int, batch_size: _Size) -> bool | tf.Tensor:
    return (batch_size % ghost_batch_size == 0) & (batch_size >= ghost_batch_size)


def _known_sizes(batch_size: int, ghost_batch_size: int) -> tuple[int, int, int]:
    """Returns the examples that stand alone, of a full ghost, and of the last one."""
    if batch_size <= 1:
        return batch_size, ghost_batch_size, 0
    if batch_size <= ghost_batch_size + 1:
        return 0, batch_size, 0
    left = batch_size % ghost_batch_size
    return 0, ghost_batch_size, left + ghost_batch_size * int(left == 1)


def _unknown_sizes(
    batch_size: tf.Tensor, ghost_batch_size: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the same, without branches, for a size known when the graph runs."""
    alone = tf.cast(batch_size == 1, tf.int32)
    rest = batch_size - alone
    whole = rest <= ghost_batch_size + 1
    # At least 2, so that no examples at all make no ghosts.
    full = tf.where(whole, tf.maximum(rest, 2), ghost_batch_size)
    left = rest % full
    return alone, full, left + full * tf.cast(left == 1, tf.int32)
