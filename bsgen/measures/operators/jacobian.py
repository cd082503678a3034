"""Products with J, the derivative of a model's outputs by its weights.

Outputs are meant with what `stateless.Called.ends` adds to them.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from bsgen.measures.objective import mean_loss, stateless

Parts = list[tf.Tensor]


class Pushed(NamedTuple):
    """A call of a model, and how its outputs move with the weights.

    Attributes:
      called: the call.
      moves: J v, of `called.ends`.
      tape: that saw the outputs.
      weights: where the model was called.
    """

    called: stateless.Called
    moves: Parts
    tape: tf.GradientTape
    weights: Parts

    def pulled_back(self, duals: Parts) -> Parts:
        """Returns J^T u; once, for duals u of `called.ends`."""
        return gradient_or_zeros(self.tape, self.called.ends, self.weights, duals)


def forward(
    loss: mean_loss.MeanLoss, weights: Parts, vector: Parts, inputs: Any, others: Parts
) -> Pushed:
    """Calls the model of a loss and takes J v by forward-mode differentiation."""
    with tf.GradientTape() as tape:
        tape.watch(weights)
        with tf.autodiff.ForwardAccumulator(weights, vector) as accumulator:
            called = loss.call(weights, inputs, others)
        moves = accumulator.jvp(
            called.ends,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
    return Pushed(called, moves, tape, weights)


def reverse(
    loss: mean_loss.MeanLoss, weights: Parts, vector: Parts, inputs: Any, others: Parts
) -> Pushed:
    """Does the same without forward derivatives."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(weights)
        called = loss.call(weights, inputs, others)
        ends = called.ends
    # J v is the derivative, by u, of (J^T u) . v, for any u.
    duals = [tf.zeros_like(part) for part in ends]
    with tf.GradientTape() as outer:
        outer.watch(duals)
        slope = dot(gradient_or_zeros(tape, ends, weights, duals), vector)
    moves = gradient_or_zeros(outer, slope, duals)
    return Pushed(called, moves, tape, weights)


def dot(parts: Parts, others: Parts) -> tf.Tensor:
    """Returns the inner product of two vectors [] that are each given in parts."""
    pairs = zip(parts, others, strict=True)
    return tf.add_n([tf.reduce_sum(part * other) for part, other in pairs])


def gradient_or_zeros(
    tape: tf.GradientTape, target: Any, sources: Parts, output_gradients: Any = None
) -> Parts:
    """Returns a gradient, 0 for sources that the target does not depend on."""
    gradient = tape.gradient(
        target, sources, output_gradients, unconnected_gradients="zero"
    )
    # A gradient of an embedding comes as the rows that were looked up.
    return [tf.convert_to_tensor(part) for part in gradient]
