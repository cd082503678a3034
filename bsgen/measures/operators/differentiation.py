"""Derivatives along a vector, in forward mode and, where that is impossible, without.

J is the derivative of a model's outputs by its weights. "Outputs" are
`stateless.Called.ends` here, which holds a little more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from bsgen.measures.objective import gradients, mean_loss, stateless

Parts = gradients.Parts
# A loss [] and its gradient by the weights.
GradientOf = Callable[[Parts], tuple[tf.Tensor, Parts]]


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


class Differentiator(NamedTuple):
    """A way to differentiate along a vector v of the weights.

    Attributes:
      push: (loss, weights, v, inputs, other variables) to a call with its J v.
      along: (gradient of a loss, weights, v) to the loss, and the derivative of its
        gradient along v.
    """

    push: Callable[[mean_loss.MeanLoss, Parts, Parts, Any, Parts], Pushed]
    along: Callable[[GradientOf, Parts, Parts], tuple[tf.Tensor, Parts]]


def _forward_push(
    loss: mean_loss.MeanLoss, weights: Parts, vector: Parts, inputs: Any, others: Parts
) -> Pushed:
    with tf.GradientTape() as tape:
        tape.watch(weights)
        with tf.autodiff.ForwardAccumulator(weights, vector) as accumulator:
            called = loss.call(weights, inputs, others)
        zero = tf.UnconnectedGradients.ZERO
        moves = accumulator.jvp(called.ends, unconnected_gradients=zero)
    return Pushed(called, moves, tape, weights)


def _reverse_push(
    loss: mean_loss.MeanLoss, weights: Parts, vector: Parts, inputs: Any, others: Parts
) -> Pushed:
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


def _forward_along(
    gradient_of: GradientOf, weights: Parts, vector: Parts
) -> tuple[tf.Tensor, Parts]:
    with tf.autodiff.ForwardAccumulator(weights, vector) as accumulator:
        value, gradient = gradient_of(weights)
    zero = tf.UnconnectedGradients.ZERO
    return value, accumulator.jvp(gradient, unconnected_gradients=zero)


def _reverse_along(
    gradient_of: GradientOf, weights: Parts, vector: Parts
) -> tuple[tf.Tensor, Parts]:
    """Takes the gradient of gradient . vector."""
    with tf.GradientTape() as tape:
        tape.watch(weights)
        value, gradient = gradient_of(weights)
        slope = gradients.dot(gradient, vector)
    return value, gradients.gradient_or_zeros(tape, slope, weights)


FORWARD = Differentiator(_forward_push, _forward_along)
REVERSE = Differentiator(_reverse_push, _reverse_along)
