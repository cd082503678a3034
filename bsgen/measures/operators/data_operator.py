"""Operators of a model, a loss and data: what all of them share.

An operator compiles once, and once more when batches differ in size. It reads the
model's weights at every product, so one operator serves all measures of a model, and
may be kept while the model trains. How means over the data are taken: `data_mean`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen import errors, interrupts
from bsgen.measures.objective import compiled_loss, given_model, mean_loss, misfits
from bsgen.measures.operators import data_mean, differentiation
from bsgen.measures.operators.linear_operator import FloatArray

AUTO = "auto"
FORWARD = "forward_over_reverse"
REVERSE = "reverse_over_reverse"
METHODS: tuple[str, ...] = (AUTO, FORWARD, REVERSE)
FINITE_DIFFERENCES = "finite_differences"

Parts = data_mean.Parts
Batch = data_mean.Batch


class DataOperator:
    """A matrix of P rows that is a mean over data.

    Attributes:
      size: P, the number of trainable weights, in the order of
        `model.trainable_variables`, each flattened.
      shape: (P, P).
      dtype: of the products, float64.
      method: how products are computed; "auto" until the first one.
      training: whether layers run in training mode.
      step: of finite differences, see `curvature.Hessian`.
    """

    methods = METHODS
    dtype = np.dtype(np.float64)

    def __init__(
        self,
        model: given_model.Model,
        loss: compiled_loss.Loss,
        data: Any,
        *,
        loss_weights: Any = None,
        regularization: bool = True,
        l2: float = 0.0,
        training: bool = False,
        batch_size: int = 256,
        method: str = AUTO,
        step: float | None = None,
    ):
        """Checks the arguments; compiles at the first product.

        Args:
          model: a model, or a function that builds one; it is called once for each
            operator, so operators of one model need the object.
          loss: whatever `compile` takes as a loss; None for the model's own. It must be
            twice differentiable by the outputs.
          data: (inputs, targets) or (inputs, targets, weights) of arrays, or a
            tf.data.Dataset or PyDataset of such batches; see `bsgen.data.forms`.
          loss_weights: as for `compile`.
          regularization: whether to count the losses that the model adds, such as its
            layers' regularizers.
          l2: of a penalty l2 |w|^2 / 2 added to the mean loss, at least 0; it raises
            every eigenvalue by l2.
          training: whether layers run in training mode, in which batch norm uses the
            statistics of each batch, instead of inference mode.
          batch_size: examples in a call, for arrays. It changes memory and speed only,
            except in training mode and where the loss of a batch is not the mean over
            its examples, see `mean_loss`.
          method: one of `methods`. "auto" takes "forward_over_reverse", and another one
            where that is impossible.
          step: of finite differences, above 0; None for the default.

        Raises:
          UserError: an argument is wrong, or the weights are not finite.
        """
        if method not in self.methods:
            raise errors.unknown_name("method", method, self.methods)
        if step is not None and errors.check_real("step", step, 0.0) == 0.0:
            raise errors.UserError("step", step, "give a number above 0")
        model = given_model.built(model, data)
        self.method = method
        self.training = training
        self._l2 = errors.check_real("l2", l2, 0.0)
        self._model = model
        self._loss = mean_loss.MeanLoss(
            model, loss, training, loss_weights, regularization
        )
        self._mean = data_mean.DataMean(model, self._loss, data, batch_size)
        self._weights = self._mean.weights
        self._seen_curvature = False
        reverse = method == REVERSE
        self._derive = differentiation.REVERSE if reverse else differentiation.FORWARD
        self._product = self._mean.compiled(self._batch_product)
        self._gradient = self._mean.compiled(
            lambda weights, _, batch: self._gradient_of(batch)(weights)
        )
        self.size = self._weights.num_parameters
        self.shape = (self.size, self.size)
        self.step = step or float(np.finfo(self._weights.read().dtype).eps ** (1 / 3))
        self._weights.check_finite()

    @property
    def mode(self) -> str:
        """See `mean_loss.MeanLoss`."""
        return self._loss.mode

    @property
    def num_examples(self) -> int | None:
        """The number of examples; None for a data set, which is not counted."""
        return self._mean.batches.num_examples

    @contextlib.contextmanager
    def on_sample(self, count: int, draw: np.random.Generator) -> Iterator[None]:
        """Inside, products are those of `count` random examples of the arrays."""
        seen_curvature = self._seen_curvature
        self._seen_curvature = True  # a sample may be flat where the whole is not
        try:
            with self._mean.on_sample(count, draw):
                yield
        finally:
            self._seen_curvature = seen_curvature

    def weights(self) -> FloatArray:
        """Returns the model's trainable weights [P]."""
        return self._weights.read().astype(np.float64)

    def gradient(self) -> FloatArray:
        """Returns the gradient [P] of the mean loss, penalty included.

        Raises:
          UserError: the loss or its gradient is not finite, or it has no gradient.
        """
        return self.gradient_at(self.weights())

    def gradient_at(self, weights: npt.NDArray[Any]) -> FloatArray:
        """Returns the gradient [P] with `weights` [P] in place of the model's own."""
        value, gradient = self.loss_and_gradient(weights)
        self._mean.check_finite(value, gradient)
        return gradient

    def loss_and_gradient(self, weights: npt.NDArray[Any]) -> tuple[float, FloatArray]:
        """Returns mean loss and gradient [P], penalty included, at weights [P].

        Where the model overflows they are not finite.
        """
        flat = tf.constant(weights, tf.float64)
        value, gradient = self._mean.of(
            self._gradient, self._weights.cut(flat), tf.zeros_like(flat)
        )
        weights = np.asarray(weights, np.float64)
        penalty = self._l2 / 2 * float(np.sum(weights**2))
        return value + penalty, gradient + self._l2 * weights

    def matvec(self, vector: npt.NDArray[Any], /) -> FloatArray:
        """Returns the product with a vector [P], as [P] in float64.

        Raises:
          UserError: the loss or its derivatives are not finite, zero or missing.
        """
        flat = tf.constant(vector, tf.float64)
        weights = self._weights.tensors()
        try:
            product = self._finite(weights, flat)
        except misfits.NotCompiled as error:
            if self.method != AUTO:
                raise
            self.method = REVERSE
            self._derive = differentiation.REVERSE
            self._product = self._mean.compiled(self._batch_product)
            try:
                product = self._finite(weights, flat)
            except misfits.NotCompiled as second_error:
                reason = second_error.__cause__
                if not isinstance(reason, LookupError):
                    raise
                remedy = (
                    "one of its operations has no second derivative "
                    f"({str(reason).splitlines()[0]}); build LSTM and GRU with "
                    "use_cudnn=False"
                )
                raise errors.UserError("model", self._model.name, remedy) from error
        if self.method == AUTO:
            self.method = FORWARD
        if not self._seen_curvature:
            self._check_curvature(product, weights)
        return product + self._l2 * np.asarray(vector, np.float64)

    @interrupts.kept()
    def dense(self) -> FloatArray:
        """Returns the matrix [P, P], made symmetric, which rounding is not.

        Raises:
          UserError: there are too many weights for a matrix; see also `matvec`.
        """
        self._weights.check_small()
        matrix = self._rows()
        return (matrix + matrix.T) / 2

    def _rows(self) -> FloatArray:
        return np.stack([self.matvec(row) for row in np.eye(self.size)])

    def _batch_product(
        self, weights: Parts, vector: Parts, batch: Batch
    ) -> tuple[tf.Tensor, Parts]:
        """Returns the mean loss of a batch, and its matrix times the vector."""
        raise NotImplementedError

    def _gradient_of(self, batch: Batch) -> differentiation.GradientOf:
        """Returns a function to the mean loss of a batch and its gradient."""
        return lambda weights: self._loss.with_gradient(
            lambda weights: self._loss.value(weights, *batch), weights
        )

    def _finite(self, weights: Parts, vector: tf.Tensor) -> FloatArray:
        value, product = self._mean.of(self._product, weights, vector)
        self._mean.check_finite(value, product)
        return product

    def _check_curvature(self, product: FloatArray, weights: Parts) -> None:
        if not product.any():
            # The vector may lie in the null space; a random one does not.
            vector = np.random.default_rng(0).normal(size=self.size)
            product = self._finite(weights, tf.constant(vector))
        if not product.any():
            remedy = (
                "its Hessian is exactly zero on this data: it is piecewise linear in "
                "the weights, saturated, or not twice differentiable"
            )
            raise errors.UserError("loss", self._loss.name, remedy)
        self._seen_curvature = True
