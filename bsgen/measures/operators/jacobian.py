"""Products with J, the derivative of a model's outputs by its weights.

"Outputs" are `stateless.Called.ends` here, which holds a little more.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from bsgen.measures.objective import gradients, mean_loss, stateless

Parts = gradients.Parts


class Pushed(NamedTuple):
    """A call of a model, and how its outputs move with the weights.

    Attributes:
      called: the call.
      moves: J v, in the shapes of `called.ends`.
      tape: that recorded the call.
      weights: at which the model was called.
    """

    called: stateless.Called
    moves: Parts
    tape: tf.GradientTape
    weights: Parts

    def pulled_back(self, duals: Parts) -> Parts:
        """Returns J^T u; once, for duals u of `called.ends`."""
        ends = self.called.ends
        return gradients.gradient_or_zeros(self.tape, ends, self.weights, duals)


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
    """Does the same without forward-mode differentiation."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(weights)
        called = loss.call(weights, inputs, others)
        ends = called.ends
    # J v is the derivative, by u, of (J^T u) . v, for any u.
    duals = [tf.zeros_like(part) for part in ends]
    with tf.GradientTape() as outer:
        outer.watch(duals)
        pulled = gradients.gradient_or_zeros(tape, ends, weights, duals)
        slope = gradients.dot(pulled, vector)
    moves = gradients.gradient_or_zeros(outer, slope, duals)
    return Pushed(called, moves, tape, weights)
