"""The squared error of numbers, summed over the outputs."""

import math
from typing import TYPE_CHECKING

from bsgen import errors
from bsgen.models.loss import Loss, Metric

if TYPE_CHECKING:
    import tensorflow as tf


def squared_error(targets: "tf.Tensor", outputs: "tf.Tensor") -> "tf.Tensor":
    """Returns the squared error of each example, summed over its outputs.

    Smith, Elsen & De (2020) train an autoencoder so: the errors that they report are
    sums over the pixels.

    Args:
      targets, outputs: [batch, ...], of as many values an example.

    Returns:
      [batch], in the dtype of the outputs.

    Raises:
      UserError: the numbers of values differ.
    """
    import tensorflow as tf

    targets, outputs = flat("squared_error", targets, outputs)
    return tf.reduce_sum(tf.square(outputs - targets), axis=1)


def flat(
    loss: str, targets: "tf.Tensor", outputs: "tf.Tensor"
) -> tuple["tf.Tensor", "tf.Tensor"]:
    """Returns targets and outputs, [batch, values], in the dtype of the outputs.

    Args:
      loss: the name of the loss that compares them, for the error.
      targets, outputs: [batch, ...].

    Raises:
      UserError: the numbers of values differ.
    """
    import tensorflow as tf

    targets = tf.convert_to_tensor(targets)
    wanted, given = (math.prod(values.shape[1:]) for values in (targets, outputs))
    if wanted != given:
        remedy = f"the network gives {given} numbers an example, and has {wanted} "
        remedy += "targets; take a network with as many outputs"
        raise errors.UserError("loss", loss, remedy)
    targets = tf.reshape(tf.cast(targets, outputs.dtype), [-1, wanted])
    return targets, tf.reshape(outputs, [-1, given])


SQUARED_ERROR = Loss(
    "squared_error", (Metric("mse", squared_error),), ("numbers", "inputs")
)
