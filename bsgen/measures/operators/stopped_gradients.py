"""Where TensorFlow's second derivatives are wrong without a word, and how we know.

`tf.nn.moments` takes the variance as the mean of (x - stop_gradient(mean))^2. The first
derivative is right, since the derivative by the mean is zero; the second is not zero,
and is lost. So it is in Keras' LayerNormalization and GroupNormalization, always, and
in BatchNormalization in training mode. What is lost is symmetric, so no test of
symmetry finds it, nor does the order of differentiation matter.
"""

import tensorflow as tf

from bsgen import errors


class StoppedGradient(errors.UserError):
    """Second derivatives of a loss would be wrong; first ones are right."""


def check(value: tf.Tensor, weights: list[tf.Tensor], name: str) -> None:
    """Refuses a loss with a stopped gradient between it and the weights.

    Args:
      value: the loss, a tensor of a graph.
      weights: tensors of the same graph.
      name: of the model, for the message.

    Raises:
      StoppedGradient: there is one. One that belongs to the loss by intention is
        refused as well.
    """
    sources = {weight.op.name for weight in weights}
    for operation in _ancestors(value.op):
        if operation.type == "StopGradient":
            names = {ancestor.name for ancestor in _ancestors(operation)}
            if names & sources:
                remedy = (
                    "it stops a gradient, as normalisation by statistics of its inputs "
                    "does, so its second derivatives are wrong; measure with "
                    "finite_differences"
                )
                raise StoppedGradient("model", name, remedy)


def _ancestors(operation: tf.Operation) -> list[tf.Operation]:
    """Returns an operation and all that its inputs come from."""
    found = {operation.name: operation}
    waiting = [operation]
    while waiting:
        for tensor in waiting.pop().inputs:
            if tensor.op.name not in found:
                found[tensor.op.name] = tensor.op
                waiting.append(tensor.op)
    return list(found.values())
