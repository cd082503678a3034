"""The mean over a data set of what each batch gives: a gradient, or a product.

Every batch is computed in the model's dtype; its result, times its number of examples,
is summed in float64. Batches are shared out over the replicas of the model's strategy,
see `replicas`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors
from bsgen.measures.objective import (
    batches,
    flat_weights,
    gradients,
    mean_loss,
    misfits,
    replicas,
)
from bsgen.measures.operators.linear_operator import FloatArray

Parts = gradients.Parts


class Batch(NamedTuple):
    """What the loss depends on besides the weights.

    Attributes:
      data: (inputs, targets) or (inputs, targets, sample weights).
      others: the model's variables that are not trainable weights.
    """

    data: tuple[Any, ...]
    others: Parts

    @property
    def call(self) -> tuple[Any, Parts]:
        """The arguments of a call of the model: inputs and its other variables."""
        return self.data[0], self.others


# Of the weights, a vector of their shapes, and a batch: the batch's mean loss [], and
# what it gives for the vector.
BatchProduct = Callable[[Parts, Parts, Batch], tuple[tf.Tensor, Parts]]


class DataMean:
    """Takes means over a data set; each function of a batch compiles once."""

    def __init__(
        self,
        model: keras.Model,
        loss: mean_loss.MeanLoss,
        data: Any,
        batch_size: int,
    ):
        """Takes a built model, its loss, and the data as `batches.Batches` does.

        Raises:
          UserError: an argument is wrong, or the model has no trainable weights.
        """
        self.weights = flat_weights.FlatWeights(model)
        self.batches: Any = batches.Batches(data, batch_size, model)
        self._loss = loss
        self._in_words = misfits.InWords(model, loss)
        self._replicas = replicas.Replicas(model)

    @contextlib.contextmanager
    def on_sample(self, count: int, draw: np.random.Generator) -> Iterator[None]:
        """Inside, means are those of `count` random examples of the arrays."""
        whole = self.batches
        self.batches = whole.sample(count, draw)
        try:
            yield
        finally:
            self.batches = whole

    @contextlib.contextmanager
    def passing(self) -> Iterator[Any]:
        """Yields the batches; says in one line when the model cannot take them."""
        with self._in_words.on(self.batches):
            yield self.batches

    def compiled(self, batch_product: BatchProduct) -> Any:
        """Returns a function to be given to `of`, which compiles at its first use."""

        def step(
            totals: tuple[tf.Tensor, ...],
            state: tuple[Parts, Parts, tf.Tensor],
            data: tuple[Any, ...],
            share: tf.Tensor,
        ) -> tuple[tf.Tensor, ...]:
            weights, others, vector = state
            batch = Batch(data, others)
            value, product = batch_product(weights, self.weights.cut(vector), batch)
            count = tf.shape(tf.nest.flatten(data)[0])[0]
            count = share * tf.cast(count, tf.float64)
            terms = (flat_weights.join(product), tf.cast(value, tf.float64), 1.0)
            return tuple(t + count * x for t, x in zip(totals, terms, strict=True))

        return self._replicas.compiled(step)

    def of(
        self, step: Any, weights: Parts, vector: tf.Tensor
    ) -> tuple[float, FloatArray]:
        """Returns the mean loss, and the mean [P] of what batches give for a vector.

        Args:
          step: made by `compiled`.
          weights: in place of the model's own.
          vector: [P], float64.

        Raises:
          UserError: there are no examples, or the model cannot take them.
        """
        zero = tf.constant(0.0, tf.float64)
        zeros = (tf.zeros_like(vector), zero, zero)
        totals = self._replicas.everywhere(zeros)
        state = self._replicas.everywhere((weights, self._loss.others(), vector))
        with self.passing():
            for _, batch, share in self._replicas.shared_out(self.batches):
                totals = step(totals, state, batch, share)
        total, value, count = (t.numpy() for t in self._replicas.sum(totals))
        if not count:
            raise errors.UserError("data", "empty", "give at least one example")
        return value / count, total / count

    def check_finite(self, value: float, mean: FloatArray) -> None:
        """Checks what `of` returned.

        Raises:
          UserError: it is not finite; says whether weights, data or loss are at fault.
        """
        if np.isfinite(value) and np.isfinite(mean).all():
            return
        self.weights.check_finite()
        batches.check_finite(self.batches)
        if np.isfinite(value):
            remedy = "it is finite, but its derivatives at these weights are not"
        else:
            remedy = "it is not finite on this data; look for infinite or huge inputs"
        raise errors.UserError("loss", float(value), remedy)
