"""Loss, gradient and Hessian of a Keras model, for models small enough for a matrix.

Newton's method minimises it, and the eigenvalues of the Hessian enter the evidence of
Smith & Le (2017), arXiv 1710.06451, eq. 11.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen.measures.objective import flat_weights, mean_loss
from bsgen.measures.operators import groupwise, stopped_gradients
from bsgen.measures.operators.linear_operator import FloatArray

# Rows of the Hessian times examples in one call: each row sends every example backwards
# once more, so memory grows with this times the model's activations.
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

    def __init__(self, model: keras.Model, loss: mean_loss.MeanLoss):
        """Prepares the functions of a built model; nothing is compiled yet.

        Raises:
          UserError: the model has no trainable weights, or too many for a matrix.
        """
        self._name = model.name
        self._loss = loss
        self._weights = flat_weights.FlatWeights(model)
        self._weights.check_small()
        self.num_parameters = self._weights.num_parameters
        # Autograph would rewrite the user's loss and wrap the errors it raises.
        self.value = tf.function(self._value, autograph=False)
        self.derivatives = tf.function(self._derivatives, autograph=False)
        self._rows = tf.function(
            self._value_gradient_rows, autograph=False, reduce_retracing=True
        )

    def weights(self) -> npt.NDArray[Any]:
        """Returns the model's trainable weights [P], in their own dtype."""
        return self._weights.read()

    def assign(self, weights: npt.NDArray[Any]) -> None:
        """Sets the model's trainable weights from a vector [P]."""
        self._weights.assign(weights)

    def hessian(self, batch: tuple[Any, ...]) -> tuple[float, FloatArray]:
        """Returns value and Hessian [P, P] at the model's weights.

        Takes less memory than `derivatives` where batches are large.
        """
        weights = tf.constant(self.weights())
        num_examples = len(tf.nest.flatten(batch)[0])
        most = max(1, _MAX_BACKWARD_PASSES // num_examples)
        most = 2 ** int(np.log2(most))  # so that batches of several sizes share blocks
        directions = np.eye(self.num_parameters, dtype=weights.dtype.as_numpy_dtype)
        blocks = []
        for start in range(0, self.num_parameters, most):
            some = tf.constant(directions[start : start + most])
            value, _, rows = self._rows(weights, some, *batch)
            blocks.append(rows.numpy())
        return float(value), np.concatenate(blocks).astype(np.float64)

    def _value(self, weights: tf.Tensor, *batch: Any) -> tf.Tensor:
        value = self._loss.value(self._weights.cut(weights), batch)
        count = tf.shape(tf.nest.flatten(batch)[0])[0]
        return tf.cast(value, tf.float64) * tf.cast(count, tf.float64)

    def _derivatives(
        self, weights: tf.Tensor, *batch: Any
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        directions = tf.eye(self.num_parameters, dtype=weights.dtype)
        return self._value_gradient_rows(weights, directions, *batch)

    def _value_gradient_rows(
        self, weights: tf.Tensor, directions: tf.Tensor, *batch: Any
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns value, gradient, and the products of directions [k, P]."""
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(weights)
            with tf.GradientTape() as inner:
                inner.watch(weights)
                value = self._value(weights, *batch)
            stopped_gradients.check(value, [weights], self._name)
            gradient = inner.gradient(value, weights)

        def row(_: groupwise.Weights, direction: tf.Tensor) -> tf.Tensor:
            return outer.gradient(
                gradient, weights, direction, unconnected_gradients="zero"
            )

        def row_at_once(_: groupwise.Weights, direction: tf.Tensor) -> tf.Tensor:
            groupwise.check_no_control_flow(gradient)
            return row(_, direction)

        rows = groupwise.each(row_at_once, [], directions, alone=row)
        return value, gradient, rows
