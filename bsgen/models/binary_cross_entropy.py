"""The cross-entropy of numbers from 0 to 1, such as pixels, summed over the outputs.

Hinton & Salakhutdinov (2006) and Martens (2010) train autoencoders so and report the
squared error, which is recorded too.
"""

from typing import TYPE_CHECKING

from bsgen.models.loss import Loss, Metric
from bsgen.models.squared_error import flat, squared_error

if TYPE_CHECKING:
    import tensorflow as tf


def binary_cross_entropy(targets: "tf.Tensor", logits: "tf.Tensor") -> "tf.Tensor":
    """Returns -sum(t log p + (1 - t) log(1 - p)) in nats, p = sigmoid(logit).

    Args:
      targets: t in [0, 1], [batch, ...].
      logits: of as many values an example.

    Returns:
      [batch], in the dtype of the logits.

    Raises:
      UserError: the numbers of values differ.
    """
    import tensorflow as tf

    targets, logits = flat("binary_cross_entropy", targets, logits)
    of_outputs = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
    return tf.reduce_sum(of_outputs, axis=1)


def probability_error(targets: "tf.Tensor", logits: "tf.Tensor") -> "tf.Tensor":
    """Returns the squared error of sigmoid(logits), [batch]; see `squared_error`."""
    import tensorflow as tf

    return squared_error(targets, tf.sigmoid(logits))


BINARY_CROSS_ENTROPY = Loss(
    "binary_cross_entropy",
    (
        Metric("cross_entropy", binary_cross_entropy),
        Metric("mse", probability_error),
    ),
    ("inputs",),
    logistic=True,
)
