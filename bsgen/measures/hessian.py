"""The exact Hessian of a Keras model's loss, for small models.

Its eigenvalues enter the evidence of Smith & Le (2017), arXiv 1710.06451, eq. 11.
Everything is measured in inference mode: with batch statistics or dropout the loss of
an example is not a function of that example and the weights alone. Regularisers that
sit inside the model's layers are not counted; L2 is an argument.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen import errors, interrupts
from bsgen.measures import flat_weights, stopped_gradients

Loss = Callable[[Any, Any], tf.Tensor]

MAX_PARAMETERS = 5000  # a matrix of 200 MB

# Products of parameters and examples in one call: each row of the Hessian sends every
# example backwards once more, so memory goes with this times the model's activations.
_MAX_BACKWARD_PASSES = 2**18


class LossSum:
    """The loss of a model, summed over examples, as a function of ONE weight vector.

    The vector holds the trainable weights, flattened, in the order of
    `model.trainable_variables`. `value` and `derivatives` are compiled once for each
    shape of the data, so keep the object when many data sets of one shape are measured.

    Attributes:
      num_parameters: P, the length of the weight vector.
      value: compiled, (weights [P], inputs, targets) to the summed loss, float64.
      derivatives: compiled, the same arguments to (summed loss, gradient [P],
        Hessian [P, P]).
    """

    def __init__(self, model: keras.Model, loss: Loss):
        """Prepares the functions; nothing is compiled yet.

        Args:
          model: a built model.
          loss: (targets, outputs [batch, ...]) to the loss of each example [batch].

        Raises:
          UserError: the model has no trainable weights, or too many for a matrix.
        """
        self._model = model
        self._loss = loss
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

    def _value(self, weights: tf.Tensor, inputs: Any, targets: Any) -> tf.Tensor:
        outputs, _ = self._model.stateless_call(
            self._weights.cut(weights),
            [v.value for v in self._model.non_trainable_variables],
            inputs,
            training=False,
        )
        losses = self._loss(targets, outputs)
        if losses.shape.rank != 1:
            remedy = "it must return one loss per example, of shape [batch]"
            raise errors.UserError("loss", f"of shape {losses.shape}", remedy)
        return tf.reduce_sum(tf.cast(losses, tf.float64))

    def _derivatives(
        self, weights: tf.Tensor, inputs: Any, targets: Any
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as outer:
            outer.watch(weights)
            with tf.GradientTape() as inner:
                inner.watch(weights)
                value = self._value(weights, inputs, targets)
            stopped_gradients.check(value, [weights], self._model.name)
            gradient = inner.gradient(value, weights)
        return value, gradient, outer.jacobian(gradient, weights)


@interrupts.kept()
def dense_hessian(
    model: keras.Model, loss: Loss, data: tuple[Any, Any], l2: float = 0.0
) -> npt.NDArray[np.float64]:
    """Returns the Hessian of the MEAN loss over `data` plus l2 |w|^2 / 2.

    It is computed in the model's dtype (build the model in float64 for full accuracy),
    summed over the data in float64 and made symmetric, which rounding is not.

    Args:
      model: a built model of at most `MAX_PARAMETERS` trainable weights.
      loss: (targets, outputs [batch, ...]) to the loss of each example [batch].
      data: inputs and targets, arrays with examples along axis 0.
      l2: strength of the penalty on every trainable weight, at least 0.

    Returns:
      [P, P], ordered as `model.trainable_variables`, each flattened.

    Raises:
      UserError: the model has too many weights or stops gradients (see
        `stopped_gradients`), the loss is not one per example, or an argument is out of
        range.
    """
    if not 0.0 <= l2 < np.inf:
        raise errors.UserError("l2", l2, "give a finite number of at least 0")
    inputs, targets = data
    size = count_examples(inputs, targets)
    loss_sum = LossSum(model, loss)
    weights = tf.constant(loss_sum.weights())
    total = np.zeros([loss_sum.num_parameters] * 2)
    batch_size = max(1, _MAX_BACKWARD_PASSES // loss_sum.num_parameters)
    for start in range(0, size, batch_size):
        batch = slice(start, start + batch_size)
        _, _, hessian = loss_sum.derivatives(weights, inputs[batch], targets[batch])
        total += hessian.numpy()
    return (total + total.T) / (2 * size) + l2 * np.eye(loss_sum.num_parameters)


def count_examples(inputs: Any, targets: Any) -> int:
    """Returns the number of examples in `inputs` and `targets`.

    Raises:
      UserError: there are none, or the two differ.
    """
    sizes = (len(inputs), len(targets))
    if sizes[0] != sizes[1] or not sizes[0]:
        remedy = "give as many inputs as targets, at least one"
        raise errors.UserError("data", f"of lengths {sizes}", remedy)
    return sizes[0]
