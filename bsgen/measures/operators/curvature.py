"""The Hessian of the mean loss and the Gauss-Newton matrix, as operators.

H v is the derivative of the gradient along v (Pearlmutter 1994): forward-mode
differentiation of a backward pass, at about twice the cost of a gradient and without
loss of accuracy. Where an operation has no forward derivative, it is the gradient of
g . v instead. The third way, that of Jastrzebski et al. (2018), section 3, is to take
differences of gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen.measures.objective import gradients
from bsgen.measures.operators import (
    data_operator,
    differentiation,
    loss_sum,
    stopped_gradients,
)
from bsgen.measures.operators.linear_operator import FloatArray

Parts = data_operator.Parts
Batch = data_operator.Batch


class Hessian(data_operator.DataOperator):
    """Products with the Hessian of the mean loss.

    With `method` "finite_differences" they are

        (g(w + s v) - g(w - s v)) / (2 s),

    s v of root mean square `step` times that of the weights (or `step` itself, if they
    are all zero). The error falls with step^2 until rounding, of the dtype's resolution
    over `step`, takes over. The default step, the cube root of the resolution, balances
    the two; the paper gives none. Where a network has kinks (ReLU), differences also
    see how the kinks bend the loss on average over the step, which the Hessian, being
    that of one smooth piece, does not. "auto" takes them only where exact products
    would be wrong, see `stopped_gradients`.
    """

    methods = (*data_operator.METHODS, data_operator.FINITE_DIFFERENCES)
    _piecewise_linear = False

    @property
    def mode(self) -> str:
        """That of `mean_loss.MeanLoss`, with notes on finite differences and kinks.

        Where the loss is piecewise linear in the outputs, as an absolute error is, H
        holds the curvature of the outputs only.
        """
        notes = [super().mode]
        if self.method == data_operator.FINITE_DIFFERENCES:
            notes.append("finite differences")
        if self._piecewise_linear:
            notes.append("loss piecewise linear in the outputs")
        return ", ".join(notes)

    def matvec(self, vector: npt.NDArray[Any], /) -> FloatArray:
        """See `DataOperator`."""
        exact = super().matvec
        product = self._exact(lambda: exact(vector))
        return self._difference(vector) if product is None else product

    def _rows(self) -> FloatArray:
        rows = self._exact(self._rows_at_once)
        return super()._rows() if rows is None else rows

    def _exact(self, product: Callable[[], FloatArray]) -> FloatArray | None:
        """Returns an exact product; None where differences must be taken."""
        if self.method == data_operator.FINITE_DIFFERENCES:
            return None
        automatic = self.method == data_operator.AUTO
        try:
            return product()
        except stopped_gradients.StoppedGradient:
            if not automatic:
                raise
            self.method = data_operator.FINITE_DIFFERENCES
            return None

    def _rows_at_once(self) -> FloatArray:
        sums = loss_sum.LossSum(self._model, self._loss)
        value, count, total = 0.0, 0, np.zeros(self.shape)
        with self._mean.passing() as parts:
            for batch in parts:
                part, matrix = sums.hessian(batch)
                value, total = value + part, total + matrix
                count += len(tf.nest.flatten(batch)[0])
        self._mean.check_finite(value / count, total)
        return total / count + self._l2 * np.eye(self.size)

    def _check_curvature(self, product: FloatArray, weights: Parts) -> None:
        super()._check_curvature(product, weights)
        batch = next(iter(self._mean.batches))
        batch = tf.nest.map_structure(tf.convert_to_tensor, batch)
        called = self._loss.call(weights, batch[0])
        self._piecewise_linear = not self._loss.bends(batch, called)

    def _difference(self, vector: npt.NDArray[Any]) -> FloatArray:
        vector = np.asarray(vector, np.float64)
        length = np.linalg.norm(vector)
        if length == 0.0:
            return np.zeros(self.size)
        weights = self.weights()
        factor = self.step * (np.linalg.norm(weights) or np.sqrt(self.size)) / length
        sides = [
            self.gradient_at(weights + move)
            for move in (factor * vector, -factor * vector)
        ]
        return (sides[0] - sides[1]) / (2.0 * factor)

    def _batch_product(
        self, weights: Parts, vector: Parts, batch: Batch
    ) -> tuple[tf.Tensor, Parts]:
        found = self._derive.along(self._gradient_of(batch), weights, vector)
        stopped_gradients.check(found[0], weights, self._model.name)
        return found


class GaussNewton(data_operator.DataOperator):
    """Products with the Gauss-Newton matrix, the mean of J^T H_l J.

    J is the derivative of a model's outputs by its weights, H_l the Hessian of the loss
    by the outputs: together the Hessian without the curvature of the outputs. Where the
    loss is a cross-entropy of probabilities, the outputs are the logits. Losses that
    the model adds, such as its regularizers, count with their own Hessian.
    """

    def _batch_product(
        self, weights: Parts, vector: Parts, batch: Batch
    ) -> tuple[tf.Tensor, Parts]:
        pushed = self._derive.push(self._loss, weights, vector, *batch.call)
        ends = pushed.called.ends
        with tf.GradientTape() as outer:
            outer.watch(ends)
            value, slopes = self._loss.slopes(batch.data, pushed.called)
            slope = gradients.dot(slopes, pushed.moves)
        bends = gradients.gradient_or_zeros(outer, slope, ends)
        product = pushed.pulled_back(bends)
        if self._loss.added(pushed.called) is None:
            return value, product
        _, bends = self._derive.along(self._added_gradient_of(batch), weights, vector)
        return value, [p + b for p, b in zip(product, bends, strict=True)]

    def _added_gradient_of(self, batch: Batch) -> differentiation.GradientOf:
        """Returns a function to the losses that the model adds and their gradient."""

        def gradient_of(weights: Parts) -> tuple[tf.Tensor, Parts]:
            with tf.GradientTape() as tape:
                tape.watch(weights)
                called = self._loss.call(weights, *batch.call)
                added = self._loss.added(called)
            return added, gradients.gradient_or_zeros(tape, added, weights)

        return gradient_of
