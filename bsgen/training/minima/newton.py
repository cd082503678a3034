"""Newton's method: the exact minimum of a convex cost, with its Hessian.

Figures 1 and 2 of Smith & Le (2017), arXiv:1710.06451, section 3, need this minimum.
The cost is the MEAN loss over the data plus l2 |w|^2 / 2 over all trainable weights,
including biases; the l2 of the paper is N times ours.
"""

import dataclasses
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen import errors, interrupts
from bsgen.measures.objective import mean_loss
from bsgen.measures.operators import loss_sum

# Armijo's condition asks for this share of the decrease that the slope promises
# (Nocedal & Wright, Numerical Optimization, section 3.1).
_SUFFICIENT_DECREASE = 1e-4
# The relative error of a cost that sums many terms. Differences below it mean nothing,
# so near the minimum the line search accepts the step.
_ROUNDING = 64 * np.finfo(np.float64).eps
_MAX_HALVINGS = 40


@dataclasses.dataclass(frozen=True)
class Minimum:
    """Where Newton's method stopped.

    Attributes:
      iterations: steps taken.
      cost: the mean loss plus the penalty.
      gradient_norm: Euclidean norm of the gradient of that cost.
      converged: whether the norm fell to the tolerance.
      l2: strength of the penalty.
      weights: [P], in the order of `model.trainable_variables`.
      hessian: [P, P], of that cost, in the order of `model.trainable_variables`.
    """

    iterations: int
    cost: float
    gradient_norm: float
    converged: bool
    l2: float
    weights: npt.NDArray[np.float64] = dataclasses.field(repr=False)
    hessian: npt.NDArray[np.float64] = dataclasses.field(repr=False)

    def eigenvalues(self) -> npt.NDArray[np.float64]:
        """Returns the eigenvalues [P] of the Hessian, in rising order."""
        return np.linalg.eigvalsh(self.hessian).astype(np.float64)

    def predicted(self, l2: float) -> npt.NDArray[np.float64]:
        """Returns where the minimum lies at another penalty, to first order, [P].

        At every l2 the gradient of the mean loss plus l2 w is 0. Its derivative by
        ln l2, H dw + l2 w = 0, gives the tangent of the path of minima.
        """
        tangent = _newton_step(self.l2 * self.weights, self.hessian)
        return self.weights + np.log(l2 / self.l2) * tangent


class NewtonSolver:
    """Minimises the convex cost of one model for many data sets and penalties.

    Gradient and Hessian are compiled at the first call, and again only for data of
    another shape or dtype.
    """

    def __init__(self, model: keras.Model, loss: Any):
        """Takes the model in which `minimise` leaves each minimum.

        Args:
          model: a built model with float64 weights, linear in them, so that the cost is
            convex.
          loss: as for `compile`.

        Raises:
          UserError: a weight is not float64, or the model has none or too many.
        """
        for variable in model.trainable_variables:
            if variable.dtype != "float64":
                remedy = 'build the model with dtype="float64"'
                raise errors.UserError(
                    "model", f"{variable.path} {variable.dtype}", remedy
                )
        self._loss_sum = loss_sum.LossSum(model, mean_loss.MeanLoss(model, loss))

    def place(self, weights: npt.ArrayLike) -> None:
        """Sets the model's weights, one number for all or [P], for the next start."""
        own = self._loss_sum.num_parameters
        self._loss_sum.assign(np.broadcast_to(np.asarray(weights, np.float64), own))

    def minimise(
        self,
        data: tuple[Any, Any],
        l2: float,
        max_iterations: int = 100,
        tolerance: float = 1e-12,
    ) -> Minimum:
        """Finds the minimum, starting at the model's weights, and leaves it there.

        Each step is -Hessian^-1 gradient, halved until the cost falls enough.

        Args:
          data: inputs and targets, arrays with examples along axis 0.
          l2: strength of the penalty, above 0.
          max_iterations: the most steps to take, at least 0.
          tolerance: norm of the gradient that ends the search, above 0. Rounding limits
            it to about 1e-15 for inputs of order 1, and to more for larger ones.

        Returns:
          The minimum; not converged if the steps or the precision did not suffice.

        Raises:
          UserError: the cost is not finite at the start, or it is not convex.
        """
        cost = _Cost(self._loss_sum, data, l2)
        weights = self._loss_sum.weights()
        for iteration in range(max_iterations + 1):
            interrupts.check()
            height, gradient, hessian = cost.derivatives(weights)
            norm = float(np.linalg.norm(gradient))
            # Computed even if the search ends here: it tells a minimum from a saddle.
            step = _newton_step(gradient, hessian)
            if norm <= tolerance or iteration == max_iterations:
                break
            moved = _line_search(cost, weights, height, gradient, step)
            if moved is None:
                break
            weights = moved
        self._loss_sum.assign(weights)
        converged = norm <= tolerance
        return Minimum(iteration, height, norm, converged, l2, weights, hessian)


class _Cost:
    """The mean loss plus the penalty on one data set."""

    def __init__(self, loss_sum: loss_sum.LossSum, data: tuple[Any, Any], l2: float):
        self._loss_sum = loss_sum
        self._size = len(data[0])
        self._data = [tf.convert_to_tensor(part) for part in data]
        self._l2 = l2

    def value(self, weights: npt.NDArray[np.float64]) -> float:
        total = self._loss_sum.value(tf.constant(weights), *self._data)
        return float(total) / self._size + self._l2 / 2 * float(weights @ weights)

    def derivatives(
        self, weights: npt.NDArray[np.float64]
    ) -> tuple[float, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        total, gradient, hessian = self._loss_sum.derivatives(
            tf.constant(weights), *self._data
        )
        height = float(total) / self._size + self._l2 / 2 * float(weights @ weights)
        if not np.isfinite(height):
            remedy = "the cost is not finite; look for NaN in inputs, targets, weights"
            raise errors.UserError("data", height, remedy)
        curvature = hessian.numpy() / self._size
        curvature = (curvature + curvature.T) / 2
        curvature[np.diag_indices_from(curvature)] += self._l2
        return height, gradient.numpy() / self._size + self._l2 * weights, curvature


def _newton_step(
    gradient: npt.NDArray[np.float64], hessian: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Returns -hessian^-1 gradient; UserError if the Hessian is not pos. definite."""
    factor = tf.linalg.cholesky(hessian)  # NaN if there is none
    step = -tf.linalg.cholesky_solve(factor, gradient[:, np.newaxis]).numpy()[:, 0]
    if not np.all(np.isfinite(step)):
        remedy = "its cost is not convex; give a model that is linear in its weights"
        raise errors.UserError("model", "Hessian not positive definite", remedy)
    return step


def _line_search(
    cost: _Cost,
    weights: npt.NDArray[np.float64],
    height: float,
    gradient: npt.NDArray[np.float64],
    step: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64] | None:
    """Returns the first weights + step / 2^k that lowers the cost enough, or None."""
    slope = float(gradient @ step)
    for halvings in range(_MAX_HALVINGS):
        share = 0.5**halvings
        moved = weights + share * step
        highest = height + _SUFFICIENT_DECREASE * share * slope
        if cost.value(moved) <= highest + _ROUNDING * abs(height):
            return moved
    return None
