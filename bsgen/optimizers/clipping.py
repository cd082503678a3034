"""Clipping gradients by their norm: one run or a stack of runs, some steps or all.

Hoffer, Hubara & Soudry (2017), arXiv 1705.08741, section 4, clip "for the first few
iterations", where a rate scaled up for a large batch may diverge.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import keras
import tensorflow as tf

Clip: TypeAlias = Callable[[list[tf.Tensor]], list[tf.Tensor]]


def clip_by_global_norm(
    gradients: Sequence[tf.Tensor], clip_norm: tf.Tensor | float
) -> list[tf.Tensor]:
    """Returns gradients whose norm over all tensors together is at most `clip_norm`.

    g <- g min(1, clip_norm / |g|), with |g|^2 summed over all tensors of a run: the
    rule of Keras' `global_clipnorm`, for one run or for a stack of runs.

    Args:
      gradients: one tensor a parameter, each of shape `clip_norm.shape + [...]`.
      clip_norm: positive; a scalar for one run, or [R] to clip each of R runs by its
        own norm. Infinity leaves a run as it is.

    Returns:
      Tensors of the same shapes. They are NaN where the norm of a run is not finite, as
      in TensorFlow, so that the run visibly diverges instead of standing still.
    """
    clip_norm = tf.convert_to_tensor(clip_norm, gradients[0].dtype)
    run_axes = clip_norm.shape.rank
    squares = [
        tf.reduce_sum(tf.square(gradient), axis=range(run_axes, gradient.shape.rank))
        for gradient in gradients
    ]
    norm = tf.sqrt(tf.add_n(squares))
    factor = tf.where(norm > clip_norm, clip_norm / norm, 1.0)
    factor = tf.where(tf.math.is_finite(norm), factor, math.nan)

    def clip(gradient: tf.Tensor) -> tf.Tensor:
        ones = [1] * (gradient.shape.rank - run_axes)
        return gradient * tf.reshape(factor, tf.concat([tf.shape(factor), ones], 0))

    return [clip(gradient) for gradient in gradients]


def in_first_steps(
    optimizer: keras.optimizers.Optimizer,
    num_steps: int,
    clipped: Sequence[tf.Tensor],
    gradients: Sequence[tf.Tensor],
) -> list[tf.Tensor]:
    """Returns the clipped gradients in the first steps, and the others later."""
    early = tf.convert_to_tensor(optimizer.iterations) < num_steps
    return [
        tf.where(early, tf.convert_to_tensor(new), tf.convert_to_tensor(old))
        for new, old in zip(clipped, gradients, strict=True)
    ]


def of_all_replicas(clip: Clip, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
    """Returns this replica's share of the clipped sum of all replicas' gradients.

    Keras forms that sum only after it has clipped.
    """
    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync if context else 1
    if replicas == 1:
        return clip(gradients)
    total = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    # Keras sums the result over the replicas once more.
    return [tf.convert_to_tensor(each) / replicas for each in clip(total)]
