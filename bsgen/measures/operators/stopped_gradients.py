"""Where TensorFlow's second derivatives are silently wrong, and how that is noticed.

`tf.nn.moments` takes the variance as the mean of (x - stop_gradient(mean))^2. The first
derivative is right, since the derivative by the mean is zero; the second is not zero,
and is lost. Keras does this in LayerNormalization and GroupNormalization, always, and
in BatchNormalization in training mode. What is lost is symmetric, so no test of
symmetry finds it, nor does the order of differentiation matter.
"""

from __future__ import annotations

import tensorflow as tf

from bsgen import errors
from bsgen.measures.operators import graph_ancestors


class StoppedGradient(errors.UserError):
    """Second derivatives of a loss would be wrong; first ones are right."""


def check(value: tf.Tensor, weights: list[tf.Tensor], name: str) -> None:
    """Refuses a loss with a stopped gradient between it and the weights.

    Args:
      value: the loss, a tensor of a graph.
      weights: tensors of the same graph.
      name: of the model, for the message.

    Raises:
      StoppedGradient: there is one, even if it belongs to the loss by intention.
    """
    sources = {weight.op.name for weight in weights}
    for operation in graph_ancestors.of(value.op).values():
        is_stop = operation.type == "StopGradient"
        if is_stop and not sources.isdisjoint(graph_ancestors.of(operation)):
            remedy = (
                "it stops a gradient, as normalisation by statistics of its inputs "
                "does, so its second derivatives are wrong; measure with "
                "finite_differences"
            )
            raise StoppedGradient("model", name, remedy)
