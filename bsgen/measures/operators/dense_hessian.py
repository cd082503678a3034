"""The exact Hessian of a Keras model's loss, for small models.

Its eigenvalues enter the evidence of Smith & Le (2017), arXiv 1710.06451, eq. 11.
Everything is measured in inference mode: with batch statistics or dropout the loss of
an example is not a function of that example and the weights alone.
"""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen import errors, interrupts
from bsgen.measures.objective import (
    batches,
    compiled_loss,
    flat_weights,
    mean_loss,
    misfits,
)
from bsgen.measures.operators import groupwise, stopped_gradients

MAX_PARAMETERS = 5000  # a matrix of 200 MB

# Products of parameters and examples in one call: each row of the Hessian sends every
# example backwards once more, so memory goes with this times the model's activations.
_MAX_BACKWARD_PASSES = 2**18


class LossSum:
    """The loss of a model, times examples, as a function of ONE weight vector.

    The vector holds the trainable weights, flattened, in the order of
    `model.trainable_variables`. `value` and `derivatives` are compiled once for each
    shape of the data, so keep the object when many data sets of one shape are measured.

    Attributes:
      num_parameters: P, the length of the weight vector.
      value: compiled, (weights [P], *batch) to the mean loss of a batch (see
        `mean_loss.MeanLoss`) times its number of examples, float64.
      derivatives: compiled, the same arguments to (the same, its gradient [P], its
        Hessian [P, P]).
    """

    def __init__(
        self,
        model: keras.Model,
        loss: compiled_loss.Loss,
        loss_weights: Any = None,
        regularization: bool = True,
    ):
        """Prepares the functions; nothing is compiled yet.

        Args:
          model: a built model.
          loss: see `compiled_loss.Loss`.
          loss_weights: as for `compile`.
          regularization: whether the losses that the model adds are counted.

        Raises:
          UserError: the model has no trainable weights, or too many for a matrix.
        """
        self._model = model
        self.loss = mean_loss.MeanLoss(model, loss, False, loss_weights, regularization)
        self._weights = flat_weights.FlatWeights(model)
        self.num_parameters = self._weights.num_parameters
        if self.num_parameters > MAX_PARAMETERS:
            remedy = (
                f"its {self.num_parameters} weights make too large a matrix; "
                f"give a model of at most {MAX_PARAMETERS}"
            )
            raise errors.UserError("model", model.name, remedy)
        # Autograph would rewrite the user's loss and wrap the errors it raises.
        self.value = tf.function(self._value, autograph=False)
        self.derivatives = tf.function(self._derivatives, autograph=False)

    def weights(self) -> npt.NDArray[Any]:
        """Returns the model's trainable weights [P], in their own dtype."""
        return self._weights.read()

    def assign(self, weights: npt.NDArray[Any]) -> None:
        """Sets the model's trainable weights from a vector [P]."""
        self._weights.assign(weights)

    def _value(self, weights: tf.Tensor, *batch: Any) -> tf.Tensor:
        value = self.loss.value(self._weights.cut(weights), batch)
        count = tf.shape(tf.nest.flatten(batch)[0])[0]
        return tf.cast(value, tf.float64) * tf.cast(count, tf.float64)

    def _derivatives(
        self, weights: tf.Tensor, *batch: Any
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(weights)
            with tf.GradientTape() as inner:
                inner.watch(weights)
                value = self._value(weights, *batch)
            stopped_gradients.check(value, [weights], self._model.name)
            gradient = inner.gradient(value, weights)

        def row(_: groupwise.Weights, direction: tf.Tensor) -> tf.Tensor:
            return outer.gradient(
                gradient, weights, direction, unconnected_gradients="zero"
            )

        def row_at_once(_: groupwise.Weights, direction: tf.Tensor) -> tf.Tensor:
            groupwise.check_no_control_flow(gradient)
            return row(_, direction)

        directions = tf.eye(self.num_parameters, dtype=weights.dtype)
        hessian = groupwise.each(row_at_once, [], directions, alone=row)
        return value, gradient, hessian


@interrupts.kept()
def dense_hessian(
    model: keras.Model,
    loss: compiled_loss.Loss,
    data: Any,
    l2: float = 0.0,
    *,
    loss_weights: Any = None,
    regularization: bool = True,
    batch_size: int | None = None,
) -> npt.NDArray[np.float64]:
    """Returns the Hessian of the MEAN loss over `data` plus l2 |w|^2 / 2.

    It is computed in the model's dtype (build the model in float64 for full accuracy),
    summed over the data in float64 and made symmetric, which rounding is not.

    Args:
      model: a built model of at most `MAX_PARAMETERS` trainable weights.
      loss: see `compiled_loss.Loss`.
      data: see `batches.Batches`.
      l2: strength of the penalty on every trainable weight, at least 0.
      loss_weights: as for `compile`.
      regularization: whether the losses that the model adds are counted.
      batch_size: examples a call, for arrays; None for what memory holds. It matters
        where the loss of a batch is no mean over its examples, see `mean_loss`.

    Returns:
      [P, P], ordered as `model.trainable_variables`, each flattened.

    Raises:
      UserError: the model has too many weights or stops gradients (see
        `stopped_gradients`), something is not finite, or an argument is wrong.
    """
    penalty = errors.check_real("l2", l2, 0.0)
    loss_sum = LossSum(model, loss, loss_weights, regularization)
    most = max(1, _MAX_BACKWARD_PASSES // loss_sum.num_parameters)
    parts = batches.Batches(data, batch_size or most, model)
    weights = tf.constant(loss_sum.weights())
    total = np.zeros([loss_sum.num_parameters] * 2)
    size = 0
    with misfits.InWords(model, loss_sum.loss).on(parts):
        for batch in parts:
            _, _, hessian = loss_sum.derivatives(weights, *batch)
            total += hessian.numpy()
            size += len(tf.nest.flatten(batch)[0])
    if not np.isfinite(total).all():
        batches.check_finite(parts)
        remedy = "it or its derivatives are not finite on this data"
        raise errors.UserError("loss", loss_sum.loss.name, remedy)
    return (total + total.T) / (2 * size) + penalty * np.eye(loss_sum.num_parameters)
