"""Products of curvature matrices with vectors, over a whole data set.

H v, H the Hessian of the mean loss, is the derivative of the gradient along v
(Pearlmutter 1994): forward-mode differentiation of a backward pass, at about twice the
cost of a gradient and at no cost in accuracy. Where an operation has no forward
derivative it is the gradient of g . v instead. Differences of gradients are the third
way, and that of Jastrzebski et al. (2018), section 3. The Gauss-Newton matrix leaves
out the curvature of the network's outputs. How data is gone through: `data_products`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen import errors
from bsgen.measures import data_products, linear_operator, stopped_gradients

FINITE_DIFFERENCES = "finite_differences"

_Parts = data_products.Parts


class Hessian(data_products.DataProducts):
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

    methods = (*data_products.METHODS, FINITE_DIFFERENCES)

    def __init__(self, *args: Any, step: float | None = None, **options: Any):
        """See `data_products.DataProducts`; `step` is above 0, None for the default."""
        super().__init__(*args, **options)
        self._piecewise_linear = False
        if step is None:
            step = np.finfo(self._weights.read().dtype).eps ** (1 / 3)
        elif errors.check_real("step", step, 0.0) == 0.0:
            raise errors.UserError("step", step, "give a number above 0")
        self.step = float(step)

    @property
    def mode(self) -> str:
        """How it was measured: "inference" or "training", and what else is to be said.

        That is ", finite differences" and ", loss piecewise linear in the outputs".
        """
        notes = [self._loss.mode]
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
            automatic = self.method == data_products.AUTO
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
        inputs, targets = tf.nest.map_structure(tf.convert_to_tensor, batch)
        outputs = self._loss.outputs(weights, inputs)
        self._piecewise_linear = not self._loss.bends(targets, outputs)

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
        self, weights: _Parts, vector: _Parts, batch: data_products.Batch
    ) -> tuple[tf.Tensor, _Parts]:
        with tf.autodiff.ForwardAccumulator(weights, vector) as accumulator:
            value, gradient = self._batch_gradient(weights, vector, batch)
        stopped_gradients.check(value, weights, self._model.name)
        zero = tf.UnconnectedGradients.ZERO
        return value, accumulator.jvp(gradient, unconnected_gradients=zero)

    def _reverse(
        self, weights: _Parts, vector: _Parts, batch: data_products.Batch
    ) -> tuple[tf.Tensor, _Parts]:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            value, gradient = self._batch_gradient(weights, vector, batch)
            pairs = zip(gradient, vector, strict=True)
            slope = tf.add_n([tf.reduce_sum(g * v) for g, v in pairs])
        stopped_gradients.check(value, weights, self._model.name)
        return value, _gradient_or_zeros(tape, slope, weights)


class GaussNewton(data_products.DataProducts):
    """Products with the Gauss-Newton matrix, the mean of J^T H_l J.

    J is the derivative of a model's outputs by its weights, H_l the Hessian of the loss
    by the outputs: the Hessian but for the curvature of the outputs themselves.
    """

    def _forward(
        self, weights: _Parts, vector: _Parts, batch: data_products.Batch
    ) -> tuple[tf.Tensor, _Parts]:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            with tf.autodiff.ForwardAccumulator(weights, vector) as accumulator:
                outputs = self._loss.outputs(weights, batch.inputs, batch.others)
            moves = tf.nest.flatten(accumulator.jvp(outputs))
        return self._pulled_back(tape, weights, outputs, moves, batch.targets)

    def _reverse(
        self, weights: _Parts, vector: _Parts, batch: data_products.Batch
    ) -> tuple[tf.Tensor, _Parts]:
        # J v is the derivative, by u, of (J^T u) . v, for any u.
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(weights)
            outputs = self._loss.outputs(weights, batch.inputs, batch.others)
            flat = tf.nest.flatten(outputs)
        duals = [tf.zeros_like(part) for part in flat]
        with tf.GradientTape() as outer:
            outer.watch(duals)
            rows = _gradient_or_zeros(tape, flat, weights, duals)
            pairs = zip(rows, vector, strict=True)
            slope = tf.add_n([tf.reduce_sum(r * v) for r, v in pairs])
        moves = outer.gradient(slope, duals)
        return self._pulled_back(tape, weights, outputs, moves, batch.targets)

    def _pulled_back(
        self,
        tape: tf.GradientTape,
        weights: _Parts,
        outputs: Any,
        moves: _Parts,
        targets: Any,
    ) -> tuple[tf.Tensor, _Parts]:
        flat = tf.nest.flatten(outputs)
        with tf.GradientTape() as outer:
            outer.watch(flat)
            with tf.GradientTape() as inner:
                inner.watch(flat)
                value = self._loss.value(targets, outputs)
            gradient = inner.gradient(value, flat)
            pairs = zip(gradient, moves, strict=True)
            slope = tf.add_n([tf.reduce_sum(g * m) for g, m in pairs])
        bends = outer.gradient(slope, flat, unconnected_gradients="zero")
        return value, _gradient_or_zeros(tape, flat, weights, bends)


def _gradient_or_zeros(
    tape: tf.GradientTape, target: Any, weights: _Parts, output_gradients: Any = None
) -> _Parts:
    gradient = tape.gradient(
        target, weights, output_gradients, unconnected_gradients="zero"
    )
    return [tf.convert_to_tensor(part) for part in gradient]
