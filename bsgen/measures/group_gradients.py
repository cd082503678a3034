"""Gradients of small groups of examples, streamed: none is kept.

A group is one example, or a few. Its gradient is that of its mean loss, by the weights
that all groups share; `tf.vectorized_map` takes many groups at once, on every replica
of the model's strategy (see `replicas`). Sums over weights and groups are kept in
float64.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors
from bsgen.measures import (
    batches,
    flat_weights,
    hessian,
    linear_operator,
    mean_loss,
    replicas,
)

# Gradients held at once, in bytes. Our choice.
_MAX_BYTES = 2**27
_Variables = tuple[list[tf.Tensor], list[tf.Tensor]]


class Deviations(NamedTuple):
    """How the gradients of n groups lie around their mean.

    Attributes:
      squared_norms: |g_i - mean|^2, [n].
      projections: (g_i - mean) . direction, [n].
    """

    squared_norms: linear_operator.FloatArray
    projections: linear_operator.FloatArray


class GroupGradients:
    """The gradients of all groups of a data set.

    Attributes:
      mode: "inference" or "training", see `mean_loss.MeanLoss`.
      group_size: examples a group.
      num_groups: n; known after `mean`.
      expected_groups: n, where the data are arrays; else None.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: hessian.Loss,
        data: Any,
        group_size: int = 1,
        training: bool = False,
        batch_size: int = 256,
    ):
        """Checks the arguments.

        Args:
          model: a built model.
          loss: a Keras loss, or a callable of (targets, outputs) to the losses
            [batch, ...] or their mean.
          data: (inputs, targets), or a tf.data.Dataset of such batches.
          group_size: examples a group; those of a batch that fill none are left out.
          training: whether layers run in training mode, on one group at a time.
          batch_size: examples a call, for arrays.

        Raises:
          UserError: an argument is wrong, or the weights are not finite.
        """
        self.group_size = errors.check_integer("group_size", group_size, 1)
        if training and self.group_size == 1:
            remedy = "a batch statistic needs at least 2 examples in training mode"
            raise errors.UserError("group_size", group_size, remedy)
        self._model = model
        self._weights = flat_weights.FlatWeights(model)
        self._weights.check_finite()
        self._loss = mean_loss.MeanLoss(model, loss, training)
        self.mode = self._loss.mode
        size = errors.check_integer("batch_size", batch_size, 1)
        whole = -(-size // self.group_size) * self.group_size
        self._batches = batches.Batches(data, whole)
        self._most = max(1, _MAX_BYTES // (8 * self._weights.num_parameters))
        self.num_groups = 0
        known = self._batches.num_examples
        self.expected_groups = None if known is None else known // self.group_size
        self._replicas = replicas.Replicas(model)
        self._total = self._replicas.compiled(self._chunk_total)
        self._around = self._replicas.compiled(self._chunk_deviations)

    def weights(self) -> linear_operator.FloatArray:
        """Returns the model's trainable weights [P]."""
        return self._weights.read().astype(np.float64)

    def mean(self) -> linear_operator.FloatArray:
        """Returns the mean gradient [P].

        Raises:
          UserError: there are no groups; the loss or its gradient is not finite.
        """
        self.num_groups = 0
        total: linear_operator.FloatArray = np.zeros(self._weights.num_parameters)
        for count, part in self.sums():
            self.num_groups += count
            total += part
        return total / self.num_groups

    def sums(self) -> Iterator[tuple[int, linear_operator.FloatArray]]:
        """Yields the number of groups of a chunk, and the sum of their gradients [P].

        Raises:
          UserError: there are no groups; the loss or its gradient is not finite.
        """
        empty = True
        for count, value, gradient in self._replicas.each(
            self._total, self._chunks(), self._variables()
        ):
            empty = False
            total = gradient.numpy()
            if not (np.isfinite(value) and np.isfinite(total).all()):
                remedy = "it or its gradient is not finite on this data"
                raise errors.UserError("loss", float(value / int(count)), remedy)
            yield int(count), total
        if empty:
            remedy = f"give at least one group of {self.group_size} example(s)"
            raise errors.UserError("data", "empty", remedy)

    def deviations(
        self,
        mean: linear_operator.FloatArray,
        direction: linear_operator.FloatArray,
    ) -> Deviations:
        """Returns how the gradients deviate from `mean` [P]; see `Deviations`."""
        found = self.deviations_of_chunks(mean, direction)
        return Deviations(*map(np.concatenate, zip(*found, strict=True)))

    def deviations_of_chunks(
        self,
        mean: linear_operator.FloatArray,
        direction: linear_operator.FloatArray,
    ) -> Iterator[Deviations]:
        """Yields what `deviations` returns, chunk by chunk."""
        around = self._replicas.everywhere(
            (
                self._weights.cut(tf.constant(mean)),
                self._weights.cut(tf.constant(direction)),
            )
        )
        for pairs in self._replicas.each(
            self._around, self._chunks(), self._variables(), around
        ):
            yield Deviations(*pairs.numpy().T)

    def _variables(self) -> replicas.PerReplica:
        """Returns the model's variables, trainable weights and others."""
        return self._replicas.everywhere((self._weights.tensors(), self._loss.others()))

    def _chunks(self) -> Iterator[tuple[Any, Any]]:
        """Yields (inputs, targets) of [groups, group_size, ...]."""
        size = self.group_size
        for batch in self._batches:
            num_groups = len(tf.nest.flatten(batch)[0]) // size
            for start in range(0, num_groups, self._most):
                end = min(start + self._most, num_groups)
                yield tf.nest.map_structure(
                    lambda array, a=start, b=end: tf.reshape(
                        array[a * size : b * size],
                        (b - a, size, *tf.convert_to_tensor(array).shape[1:]),
                    ),
                    batch,
                )

    def _group_loss(self, variables: _Variables, group: Any) -> tf.Tensor:
        weights, others = variables
        inputs, targets = group
        return self._loss.value(targets, self._loss.outputs(weights, inputs, others))

    def _chunk_total(
        self, variables: _Variables, inputs: Any, targets: Any
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns the number of groups, and the sums of their losses and gradients."""
        weights, _ = variables
        with tf.GradientTape() as tape:
            tape.watch(weights)
            values = _each(
                lambda group: self._group_loss(variables, group), (inputs, targets)
            )
            total = tf.reduce_sum(values)
        gradient = _gradient(tape, total, weights, self._loss.name)
        count = tf.shape(values)[0]
        return count, tf.cast(total, tf.float64), flat_weights.join(gradient)

    def _chunk_deviations(
        self,
        variables: _Variables,
        around: tuple[list[tf.Tensor], list[tf.Tensor]],
        inputs: Any,
        targets: Any,
    ) -> tf.Tensor:
        weights, _ = variables
        centre, along = around

        def deviation(group: Any) -> tf.Tensor:
            with tf.GradientTape() as tape:
                tape.watch(weights)
                value = self._group_loss(variables, group)
            gradient = _gradient(tape, value, weights, self._loss.name)
            moves = [g - c for g, c in zip(gradient, centre, strict=True)]
            squares = [tf.reduce_sum(move**2) for move in moves]
            slopes = [
                tf.reduce_sum(move * part)
                for move, part in zip(moves, along, strict=True)
            ]
            sums = [
                tf.add_n([tf.cast(s, tf.float64) for s in parts])
                for parts in (squares, slopes)
            ]
            return tf.stack(sums)

        return _each(deviation, (inputs, targets))


def _each(function: Any, elements: Any) -> tf.Tensor:
    """Maps along the first axis; what cannot be vectorised runs in a loop, silently."""
    return tf.vectorized_map(function, elements, warn=False)


def _gradient(
    tape: tf.GradientTape, value: tf.Tensor, weights: list[tf.Tensor], name: str
) -> list[tf.Tensor]:
    gradient = tape.gradient(value, weights)
    if all(part is None for part in gradient):
        remedy = "it does not depend on the weights in a differentiable way"
        raise errors.UserError("loss", name, remedy)
    return [
        # A gradient of an embedding comes as the rows that were looked up.
        tf.zeros_like(w) if g is None else tf.convert_to_tensor(g)
        for w, g in zip(weights, gradient, strict=True)
    ]
