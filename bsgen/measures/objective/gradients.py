"""Gradients as lists of dense tensors, one a variable, without gaps."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

Parts = list[tf.Tensor]


def dot(parts: Parts, others: Parts) -> tf.Tensor:
    """Returns the inner product [] of two vectors that are each given in parts."""
    pairs = zip(parts, others, strict=True)
    return tf.add_n([tf.reduce_sum(part * other) for part, other in pairs])


def gradient_or_zeros(
    tape: tf.GradientTape, target: Any, sources: Parts, output_gradients: Any = None
) -> Parts:
    """Returns a gradient, 0 for sources that the target does not depend on."""
    gradient = tape.gradient(
        target, sources, output_gradients, unconnected_gradients="zero"
    )
    return dense(gradient, sources)


def dense(gradient: list[Any], sources: Parts) -> Parts:
    """Returns a gradient with 0 for None, and an embedding's rows in their places."""
    return [
        tf.zeros_like(source) if part is None else tf.convert_to_tensor(part)
        for part, source in zip(gradient, sources, strict=True)
    ]
