"""The cross-entropy and the errors of a classifier, from its logits.

One logit means two classes and the sigmoid; n logits mean n classes and the softmax.
"""

from typing import TYPE_CHECKING

from bsgen.models.loss import Loss, Metric

if TYPE_CHECKING:
    import tensorflow as tf


def cross_entropy(labels: "tf.Tensor", logits: "tf.Tensor") -> "tf.Tensor":
    """Returns the cross-entropy of each example in nats.

    Args:
      labels: class numbers [batch], or [batch, 1] and as floats, which is what Keras
        makes of them for a function that is compiled.
      logits: [batch, num_classes], or [batch, 1] for two classes.

    Returns:
      [batch], in the dtype of the logits.
    """
    import tensorflow as tf

    labels = tf.convert_to_tensor(labels)
    if len(labels.shape) == len(logits.shape):
        labels = labels[..., 0]
    if logits.shape[-1] == 1:
        return tf.nn.sigmoid_cross_entropy_with_logits(
            tf.cast(labels, logits.dtype), logits[..., 0]
        )
    if labels.dtype.is_floating:
        labels = tf.cast(labels, tf.int32)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def correct(labels: "tf.Tensor", logits: "tf.Tensor") -> "tf.Tensor":
    """Returns 1 where the likeliest class is the label, else 0; [batch], as the logits.

    A non-finite logit is never correct.
    """
    import tensorflow as tf

    if logits.shape[-1] == 1:
        predicted = tf.cast(logits[..., 0] > 0, labels.dtype)
    else:
        predicted = tf.argmax(logits, axis=-1, output_type=labels.dtype)
    finite = tf.reduce_all(tf.math.is_finite(logits), axis=-1)
    return tf.cast((predicted == labels) & finite, logits.dtype)


CROSS_ENTROPY = Loss(
    "cross_entropy",
    (
        Metric("cross_entropy", cross_entropy),
        Metric("accuracy", correct, highest=1.0, higher_is_better=True),
    ),
    ("classes",),
)
