"""Products of curvature matrices with vectors, over a whole data set.

H v, H the Hessian of the mean loss, is the derivative of the gradient along v
(Pearlmutter 1994): forward-mode differentiation of a backward pass, at about twice the
cost of a gradient and at no cost in accuracy. Where an operation has no forward
derivative it is the gradient of g . v instead. Differences of gradients are the third
way, and that of Jastrzebski et al. (2018), section 3. The Gauss-Newton matrix leaves
out the curvature of the network's outputs. How data is gone through: `data_operator`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen import errors
from bsgen.measures.operators import (
    data_operator,
    jacobian,
    linear_operator,
    stopped_gradients,
)

FINITE_DIFFERENCES = "finite_differences"

_Parts = data_operator.Parts
_Gradient = data_operator.BatchProduct


class Hessian(data_operator.DataOperator):
    """Products with the Hessian of the mean loss; a `LinearOperator`.

    With `method` "finite_differences" they are

        (g(w + s v) - g(w - s v)) / (2 s),

    s v of root mean square `step` times that of the weights (or `step` itself, if they
    are all zero). The error falls with step^2 until rounding, of the dtype's resolution
    over `step`, takes over. Where a network has kinks (ReLU) differences also see how
    the kinks bend the loss on average over the step, which the Hessian, being that of
    one smooth piece, does not. "auto" takes them only where exact products would be
    wrong, see `stopped_gradients`, and `mode` then says so. It also says so where the
    loss is piecewise linear in the model's outputs, as an absolute error is: then the
    Hessian has the curvature of the outputs only.

    Attributes:
      step: relative size of the step of finite differences; the paper gives none. The
        default, the cube root of the dtype's resolution, balances the two errors.
    """

    methods = (*data_operator.METHODS, FINITE_DIFFERENCES)

    def __init__(self, *args: Any, step: float | None = None, **options: Any):
        """See `data_operator.DataOperator`; `step` is above 0, None for the default."""
        super().__init__(*args, **options)
        self._piecewise_linear = False
        if step is None:
            step = np.finfo(self._weights.read().dtype).eps ** (1 / 3)
        elif errors.check_real("step", step, 0.0) == 0.0:
            raise errors.UserError("step", step, "give a number above 0")
        self.step = float(step)

    @property
    def mode(self) -> str:
        """See `mean_loss.MeanLoss`; and what else is to be said.

        That is ", finite differences" and ", loss piecewise linear in the outputs".
        """
        notes = [super().mode]
        if self.method == FINITE_DIFFERENCES:
            notes.append("finite differences")
        if self._piecewise_linear:
            notes.append("loss piecewise linear in the outputs")
        return ", ".join(notes)

    def matvec(self, vector: npt.NDArray[Any]) -> linear_operator.FloatArray:
        """Returns the product with a vector [P], as [P] in float64.

        Raises:
          UserError: the loss, or its second derivative, is not finite, zero or missing.
        """
        if self.method != FINITE_DIFFERENCES:
            automatic = self.method == data_operator.AUTO
            try:
                return super().matvec(vector)
            except stopped_gradients.StoppedGradient:
                if not automatic:
                    raise
                self.method = FINITE_DIFFERENCES
        return self._difference(np.asarray(vector, np.float64))

    def _check_curvature(
        self, product: linear_operator.FloatArray, weights: _Parts
    ) -> None:
        super()._check_curvature(product, weights)
        batch = next(iter(self._batches))
        batch = tf.nest.map_structure(tf.convert_to_tensor, batch)
        called = self._loss.call(weights, batch[0])
        self._piecewise_linear = not self._loss.bends(batch, called)

    def _difference(
        self, vector: linear_operator.FloatArray
    ) -> linear_operator.FloatArray:
        length = np.linalg.norm(vector)
        if length == 0.0:
            return np.zeros(self.size)
        weights = self._weights.read().astype(np.float64)
        factor = self.step * (np.linalg.norm(weights) or np.sqrt(self.size)) / length
        sides = [
            self.gradient_at(weights + move)
            for move in (factor * vector, -factor * vector)
        ]
        return (sides[0] - sides[1]) / (2.0 * factor)

    def _forward(
        self, weights: _Parts, vector: _Parts, batch: data_operator.Batch
    ) -> tuple[tf.Tensor, _Parts]:
        found = _forward(self._batch_gradient, weights, vector, batch)
        stopped_gradients.check(found[0], weights, self._model.name)
        return found

    def _reverse(
        self, weights: _Parts, vector: _Parts, batch: data_operator.Batch
    ) -> tuple[tf.Tensor, _Parts]:
        found = _reverse(self._batch_gradient, weights, vector, batch)
        stopped_gradients.check(found[0], weights, self._model.name)
        return found


class GaussNewton(data_operator.DataOperator):
    """Products with the Gauss-Newton matrix, the mean of J^T H_l J.

    J is the derivative of a model's outputs by its weights, H_l the Hessian of the loss
    by the outputs: the Hessian but for the curvature of the outputs themselves. Where
    the loss is a cross-entropy of probabilities, the outputs are the logits. Losses
    that the model adds, such as its regularisers, count with their own Hessian.
    """

    def _forward(
        self, weights: _Parts, vector: _Parts, batch: data_operator.Batch
    ) -> tuple[tf.Tensor, _Parts]:
        pushed = jacobian.forward(self._loss, weights, vector, *batch.call)
        value, product = self._pulled_back(pushed, batch)
        if self._loss.added(pushed.called) is None:
            return value, product
        _, bends = _forward(self._added_gradient, weights, vector, batch)
        return value, [p + b for p, b in zip(product, bends, strict=True)]

    def _reverse(
        self, weights: _Parts, vector: _Parts, batch: data_operator.Batch
    ) -> tuple[tf.Tensor, _Parts]:
        pushed = jacobian.reverse(self._loss, weights, vector, *batch.call)
        value, product = self._pulled_back(pushed, batch)
        if self._loss.added(pushed.called) is None:
            return value, product
        _, bends = _reverse(self._added_gradient, weights, vector, batch)
        return value, [p + b for p, b in zip(product, bends, strict=True)]

    def _pulled_back(
        self, pushed: jacobian.Pushed, batch: data_operator.Batch
    ) -> tuple[tf.Tensor, _Parts]:
        """Returns the compiled loss and J^T H_l J v."""
        ends = pushed.called.ends
        with tf.GradientTape() as outer:
            outer.watch(ends)
            value, slopes = self._loss.slopes(batch.data, pushed.called)
            slope = jacobian.dot(slopes, pushed.moves)
        bends = jacobian.gradient_or_zeros(outer, slope, ends)
        return value, pushed.pulled_back(bends)

    def _added_gradient(
        self, weights: _Parts, vector: _Parts, batch: data_operator.Batch
    ) -> tuple[tf.Tensor, _Parts]:
        """Returns the losses that the model adds, and their gradient."""
        del vector
        with tf.GradientTape() as tape:
            tape.watch(weights)
            called = self._loss.call(weights, *batch.call)
            added = self._loss.added(called)
        return added, jacobian.gradient_or_zeros(tape, added, weights)


def _forward(
    gradient_of: _Gradient, weights: _Parts, vector: _Parts, batch: data_operator.Batch
) -> tuple[tf.Tensor, _Parts]:
    """Returns a loss, and the derivative of its gradient along a vector."""
    with tf.autodiff.ForwardAccumulator(weights, vector) as accumulator:
        value, gradient = gradient_of(weights, vector, batch)
    zero = tf.UnconnectedGradients.ZERO
    return value, accumulator.jvp(gradient, unconnected_gradients=zero)


def _reverse(
    gradient_of: _Gradient, weights: _Parts, vector: _Parts, batch: data_operator.Batch
) -> tuple[tf.Tensor, _Parts]:
    """Returns the same, as the gradient of gradient . vector."""
    with tf.GradientTape() as tape:
        tape.watch(weights)
        value, gradient = gradient_of(weights, vector, batch)
        slope = jacobian.dot(gradient, vector)
    return value, jacobian.gradient_or_zeros(tape, slope, weights)
