"""Gradients of small groups of examples, streamed: none is kept.

A group is one example or a few. Its gradient is the mean of its examples' shares in the
gradient of the loss of their batch (`mean_loss.MeanLoss.shares`), so that the mean over
groups is the gradient of the mean loss. In training mode, where outputs depend on the
other examples of a batch, a group is a batch of its own. Many groups are taken at once
(see `groupwise`), on every replica of the model's strategy (see `replicas`). Sums over
weights and groups are kept in float64.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from bsgen import errors
from bsgen.measures.objective import (
    batches,
    compiled_loss,
    flat_weights,
    given_model,
    mean_loss,
    misfits,
    replicas,
)
from bsgen.measures.operators import groupwise
from bsgen.measures.operators.linear_operator import FloatArray

# Gradients held at once, in bytes. Our choice.
_MAX_BYTES = 2**27
_Variables = tuple[list[tf.Tensor], list[tf.Tensor]]


class Deviations(NamedTuple):
    """How the gradients of n groups deviate from their mean.

    Attributes:
      squared_norms: |g_i - mean|^2, [n].
      projections: (g_i - mean) . direction, [n].
    """

    squared_norms: FloatArray
    projections: FloatArray


class GroupGradients:
    """The gradients of all groups of a data set.

    Attributes:
      group_size: examples a group.
      num_groups: n, known after `mean`.
      expected_groups: n where the data are arrays, else None.
    """

    def __init__(
        self,
        model: given_model.Model,
        loss: compiled_loss.Loss,
        data: Any,
        group_size: int = 1,
        training: bool = False,
        batch_size: int = 256,
        loss_weights: Any = None,
        regularization: bool = True,
    ):
        """Checks the arguments, which are those of `gradient_noise.gradient_noise`.

        Raises:
          UserError: an argument is wrong, or the weights are not finite.
        """
        self.group_size = errors.check_integer("group_size", group_size, 1)
        if training and self.group_size == 1:
            remedy = "a batch statistic needs at least 2 examples in training mode"
            raise errors.UserError("group_size", group_size, remedy)
        self._model = model = given_model.built(model, data)
        self._weights = flat_weights.FlatWeights(model)
        self._weights.check_finite()
        self._seen_added = False
        self._loss = mean_loss.MeanLoss(
            model, loss, training, loss_weights, regularization
        )
        size = errors.check_integer("batch_size", batch_size, 1)
        whole = -(-size // self.group_size) * self.group_size
        self._in_words = misfits.InWords(model, self._loss)
        self._batches = batches.Batches(data, whole, model)
        self._most = max(1, _MAX_BYTES // (8 * self._weights.num_parameters))
        self.num_groups = 0
        known = self._batches.num_examples
        self.expected_groups = None if known is None else known // self.group_size
        self._replicas = replicas.Replicas(model)
        self._shares = self._replicas.compiled(self._batch_shares)
        self._total = self._replicas.compiled(self._chunk_total)
        self._around = self._replicas.compiled(self._chunk_deviations)

    @property
    def mode(self) -> str:
        """See `mean_loss.MeanLoss`."""
        return self._loss.mode

    def weights(self) -> FloatArray:
        """Returns the model's trainable weights [P]."""
        return self._weights.read().astype(np.float64)

    def mean(self) -> FloatArray:
        """Returns the mean gradient [P].

        Raises:
          UserError: there are no groups; the loss or its gradient is not finite.
        """
        self.num_groups = 0
        total: FloatArray = np.zeros(self._weights.num_parameters)
        for count, part in self.sums():
            self.num_groups += count
            total += part
        return total / self.num_groups

    def sums(self) -> Iterator[tuple[int, FloatArray]]:
        """Yields the number of groups of a chunk, and the sum of their gradients."""
        empty = True
        with self._in_words.on(self._batches):
            for count, value, gradient in self._replicas.each(
                self._total, self._chunks(), self._variables()
            ):
                empty = False
                total = gradient.numpy()
                if not (np.isfinite(value) and np.isfinite(total).all()):
                    raise self._not_finite()
                yield int(count), total
        if empty:
            remedy = f"give at least one group of {self.group_size} example(s)"
            raise errors.UserError("data", "empty", remedy)

    def deviations(self, mean: FloatArray, direction: FloatArray) -> Deviations:
        """Returns how the gradients deviate from `mean` [P]; see `Deviations`."""
        found = self.deviations_of_chunks(mean, direction)
        return Deviations(*map(np.concatenate, zip(*found, strict=True)))

    def deviations_of_chunks(
        self, mean: FloatArray, direction: FloatArray
    ) -> Iterator[Deviations]:
        """Yields what `deviations` returns, chunk by chunk."""
        vectors = [self._weights.cut(tf.constant(v)) for v in (mean, direction)]
        around = self._replicas.everywhere(vectors)
        for pairs in self._replicas.each(
            self._around, self._chunks(), self._variables(), around
        ):
            yield Deviations(*pairs.numpy().T)

    def _variables(self) -> replicas.PerReplica:
        """Returns the model's variables, trainable weights and others."""
        return self._replicas.everywhere((self._weights.tensors(), self._loss.others()))

    def _chunks(self) -> Iterator[tuple[Any, ...]]:
        """Yields what the gradients of groups are taken of, [groups, group_size, ...].

        In training mode parts of batches; otherwise inputs and shares of them.
        """
        size = self.group_size
        for batch in self._batches if self._loss.training else self._shared():
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

    def _shared(self) -> Iterator[tuple[Any, list[tf.Tensor]]]:
        """Yields inputs and shares of every batch."""
        found, given = itertools.tee(self._batches)
        for batch, (value, shares) in zip(
            found,
            self._replicas.each(self._shares, given, self._variables()),
            strict=True,
        ):
            if not np.isfinite(value):
                raise self._not_finite()
            if not self._seen_added:
                self._loss.check_added(batch)
                self._seen_added = True
            yield batch[0], shares

    def _batch_shares(
        self, variables: _Variables, *batch: Any
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns the loss of a batch, and its examples' shares; see `MeanLoss`."""
        weights, others = variables
        called = self._loss.call(weights, batch[0], others)
        return self._loss.shares(batch, called)

    def _group_loss(
        self,
        weights: groupwise.Weights,
        others: list[tf.Tensor],
        group: tuple[Any, ...],
    ) -> tf.Tensor:
        """Returns a value whose gradient is the group's."""
        if self._loss.training:
            return self._loss.value(weights, group, others)
        inputs, shares = group
        called = self._loss.call(weights, inputs, others)
        pairs = zip(shares, called.ends, strict=True)
        value = tf.add_n([tf.reduce_sum(s * o) for s, o in pairs]) / self.group_size
        added = self._loss.added(called)
        return value if added is None else value + tf.cast(added, value.dtype)

    def _chunk_total(
        self, variables: _Variables, *groups: Any
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns the number of groups, and the sums of their values and gradients."""
        weights, others = variables
        value, gradient = groupwise.total(
            self._loss.with_gradient,
            lambda weights, group: self._group_loss(weights, others, group),
            weights,
            groups,
        )
        count = tf.shape(tf.nest.flatten(groups)[0])[0]
        return count, tf.cast(value, tf.float64), flat_weights.join(gradient)

    def _chunk_deviations(
        self,
        variables: _Variables,
        around: tuple[list[tf.Tensor], list[tf.Tensor]],
        *groups: Any,
    ) -> tf.Tensor:
        weights, others = variables
        centre, along = around

        def deviation(weights: groupwise.Weights, group: tuple[Any, ...]) -> tf.Tensor:
            _, gradient = self._loss.with_gradient(
                lambda weights: self._group_loss(weights, others, group), weights
            )
            moves = [g - c for g, c in zip(gradient, centre, strict=True)]
            pairs = zip(moves, along, strict=True)
            squares = [tf.reduce_sum(move**2) for move in moves]
            slopes = [tf.reduce_sum(move * part) for move, part in pairs]
            sums = [
                tf.add_n([tf.cast(s, tf.float64) for s in parts])
                for parts in (squares, slopes)
            ]
            return tf.stack(sums)

        return groupwise.each(deviation, weights, groups)

    def _not_finite(self) -> errors.UserError:
        self._weights.check_finite()
        batches.check_finite(self._batches)
        remedy = "it or its gradient is not finite on this data"
        return errors.UserError("loss", self._loss.name, remedy)
