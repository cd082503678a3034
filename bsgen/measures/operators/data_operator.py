"""The mean over a data set of what one batch gives for a vector: gradient or product.

Every batch is computed in the model's dtype; its result, times its number of examples,
is summed in float64. Each object compiles once, and once more when batches differ in
size; it reads the model's weights at every product, so keep it while the model trains.
Batches are shared out over the replicas of the model's strategy, see `replicas`.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen import errors
from bsgen.measures.objective import (
    batches,
    compiled_loss,
    flat_weights,
    mean_loss,
    misfits,
    replicas,
)
from bsgen.measures.operators import linear_operator

AUTO = "auto"
FORWARD = "forward_over_reverse"
REVERSE = "reverse_over_reverse"
METHODS: tuple[str, ...] = (AUTO, FORWARD, REVERSE)

Parts = list[tf.Tensor]


class Batch(NamedTuple):
    """What the loss depends on beside the weights.

    Attributes:
      data: (inputs, targets) or (inputs, targets, sample weights).
      others: the model's variables that are no trainable weights.
    """

    data: tuple[Any, ...]
    others: Parts

    @property
    def call(self) -> tuple[Any, Parts]:
        """What the model is called with: inputs and its other variables."""
        return self.data[0], self.others


BatchProduct = Callable[[Parts, Parts, Batch], tuple[tf.Tensor, Parts]]


class DataOperator:
    """What the products share: the sum over batches and its checks.

    Attributes:
      size: P, the number of trainable weights.
      method: how products are computed; "auto" until the first one.
    """

    methods = METHODS

    def __init__(
        self,
        model: keras.Model,
        loss: compiled_loss.Loss,
        data: Any,
        *,
        loss_weights: Any = None,
        regularization: bool = True,
        l2: float = 0.0,
        training: bool = False,
        batch_size: int = 256,
        method: str = "auto",
    ):
        """Checks the arguments; compiles at the first product.

        Args:
          model: a built model.
          loss: see `compiled_loss.Loss`; twice differentiable where the outputs are.
          data: see `batches.Batches`.
          loss_weights: as for `compile`.
          regularization: whether the losses that the model adds are counted.
          l2: of the penalty l2 |w|^2 / 2 added to the mean loss, at least 0.
          training: whether layers run in training mode, see `mean_loss.MeanLoss`.
          batch_size: examples a call when data is arrays; only memory and speed depend
            on it, unless `training` or where the loss is a sum, see `mean_loss`.
          method: one of `methods`: "forward_over_reverse", "reverse_over_reverse", or
            "auto", the first with the second where the first is impossible.

        Raises:
          UserError: an argument is wrong, or the weights are not finite.
        """
        if method not in self.methods:
            raise errors.unknown_name("method", method, self.methods)
        self.method = method
        self._l2 = errors.check_real("l2", l2, 0.0)
        self._model = model
        self._weights = flat_weights.FlatWeights(model)
        self._loss = mean_loss.MeanLoss(
            model, loss, training, loss_weights, regularization
        )
        self._in_words = misfits.InWords(model, self._loss)
        self._batches: Any = batches.Batches(data, batch_size, model)
        self._replicas = replicas.Replicas(model)
        self._seen_curvature = False
        reverse = method == REVERSE
        self._step = self._compiled(self._reverse if reverse else self._forward)
        self._gradient_step = self._compiled(self._batch_gradient)
        self.size = self._weights.num_parameters
        self._weights.check_finite()

    @property
    def num_examples(self) -> int | None:
        """The number of examples; None for a data set, which is not counted."""
        return self._batches.num_examples

    @contextlib.contextmanager
    def on_sample(self, count: int, draw: np.random.Generator) -> Iterator[None]:
        """Within it, products are those of `count` random examples of the arrays."""
        kept = self._batches, self._seen_curvature
        self._batches = self._batches.sample(count, draw)
        self._seen_curvature = True  # a sample may be flat where the whole is not
        try:
            yield
        finally:
            self._batches, self._seen_curvature = kept

    @property
    def mode(self) -> str:
        """See `mean_loss.MeanLoss`."""
        return self._loss.mode

    def gradient(self) -> linear_operator.FloatArray:
        """Returns the gradient [P] of the mean loss, penalty included."""
        return self.gradient_at(self._weights.read())

    def gradient_at(self, weights: npt.NDArray[Any]) -> linear_operator.FloatArray:
        """Returns the gradient [P] with `weights` [P] in place of the model's own."""
        zeros = tf.zeros([self.size], tf.float64)
        parts = self._weights.cut(tf.constant(weights, tf.float64))
        total = self._mean(self._gradient_step, parts, zeros)
        return total + self._l2 * np.asarray(weights, np.float64)

    def matvec(self, vector: npt.NDArray[Any]) -> linear_operator.FloatArray:
        """Returns the product with a vector [P], as [P] in float64.

        Raises:
          UserError: the loss, or its second derivative, is not finite, zero or missing.
        """
        flat = tf.constant(vector, tf.float64)
        weights = self._weights.tensors()
        try:
            product = self._mean(self._step, weights, flat)
        except misfits.NotCompiled as error:
            if self.method != AUTO:
                raise
            self.method = REVERSE
            self._step = self._compiled(self._reverse)
            try:
                product = self._mean(self._step, weights, flat)
            except misfits.NotCompiled as second_error:
                reason = second_error.__cause__
                if isinstance(reason, LookupError):
                    raise self._no_second_derivative(reason) from error
                raise
        if self.method == AUTO:
            self.method = FORWARD
        if not self._seen_curvature:
            self._check_curvature(product, weights)
        return product + self._l2 * np.asarray(vector, np.float64)

    def _forward(self, *args: Any) -> tuple[tf.Tensor, Parts]:
        raise NotImplementedError

    def _reverse(self, *args: Any) -> tuple[tf.Tensor, Parts]:
        raise NotImplementedError

    def _batch_gradient(
        self, weights: Parts, vector: Parts, batch: Batch
    ) -> tuple[tf.Tensor, Parts]:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            value = self._loss.value(weights, batch.data, batch.others)
        gradient = tape.gradient(value, weights)
        if all(part is None for part in gradient):
            raise self._loss.no_gradient()
        return value, [
            # A gradient of an embedding comes as the rows that were looked up.
            tf.zeros_like(w) if g is None else tf.convert_to_tensor(g)
            for w, g in zip(weights, gradient, strict=True)
        ]

    def _compiled(self, batch_product: BatchProduct) -> Any:
        def step(
            totals: tuple[tf.Tensor, ...],
            state: tuple[Parts, Parts, tf.Tensor],
            data: tuple[Any, ...],
            share: tf.Tensor,
        ) -> tuple[tf.Tensor, ...]:
            weights, others, vector = state
            batch = Batch(data, others)
            value, product = batch_product(weights, self._weights.cut(vector), batch)
            count = tf.shape(tf.nest.flatten(data)[0])[0]
            count = share * tf.cast(count, tf.float64)
            terms = (flat_weights.join(product), tf.cast(value, tf.float64), 1.0)
            return tuple(t + count * x for t, x in zip(totals, terms, strict=True))

        return self._replicas.compiled(step)

    def _mean(
        self, step: Any, weights: Parts, vector: tf.Tensor
    ) -> linear_operator.FloatArray:
        zero = tf.constant(0.0, tf.float64)
        zeros = (tf.zeros([self.size], tf.float64), zero, zero)
        totals = self._replicas.everywhere(zeros)
        state = self._replicas.everywhere((weights, self._loss.others(), vector))
        with self._in_words.on(self._batches):
            for _, batch, share in self._replicas.shared_out(self._batches):
                totals = step(totals, state, batch, share)
        total, value, count = (t.numpy() for t in self._replicas.sum(totals))
        if not count:
            raise errors.UserError("data", "empty", "give at least one example")
        if not (np.isfinite(value) and np.isfinite(total).all()):
            raise self._not_finite(value / count)
        return total / count

    def _check_curvature(
        self, product: linear_operator.FloatArray, weights: Parts
    ) -> None:
        if not product.any():
            # The vector may lie in the null space; a random one does not.
            vector = np.random.default_rng(0).normal(size=self.size)
            product = self._mean(self._step, weights, tf.constant(vector))
        if not product.any():
            remedy = (
                "its Hessian is exactly zero on this data: it is piecewise linear in "
                "the weights, saturated, or not twice differentiable"
            )
            raise errors.UserError("loss", self._loss.name, remedy)
        self._seen_curvature = True

    def _not_finite(self, value: float) -> errors.UserError:
        self._weights.check_finite()
        batches.check_finite(self._batches)
        if np.isfinite(value):
            remedy = "it is finite, but its derivatives at these weights are not"
        else:
            remedy = "it is not finite on this data; look for infinite or huge inputs"
        return errors.UserError("loss", float(value), remedy)

    def _no_second_derivative(self, error: LookupError) -> errors.UserError:
        remedy = (
            "one of its operations has no second derivative "
            f"({str(error).splitlines()[0]}); build LSTM and GRU with use_cudnn=False"
        )
        return errors.UserError("model", self._model.name, remedy)
