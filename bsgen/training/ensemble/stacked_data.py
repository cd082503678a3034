"""What a program of R runs works on: every tensor has a run axis.

State changes from step to step, settings stay, and batches come from the host.
"""

from typing import NamedTuple

import tensorflow as tf


class State(NamedTuple):
    """What training changes: lists of [R, ...] tensors.

    Attributes:
      weights, accumulators: of the trainable variables.
      statistics: the others, such as running averages, without dropout's counters.
      carried: what a network carries from window to window of a text, [R, B, units].
    """

    weights: list[tf.Tensor]
    accumulators: list[tf.Tensor]
    statistics: list[tf.Tensor]
    carried: list[tf.Tensor]


class Settings(NamedTuple):
    """What differs between runs but not between steps; the first axis is the run.

    All but the seeds have the dtype of the weights, in which inputs are also scaled.

    Attributes:
      momentum, l2: [R].
      offset: [R, D...], subtracted from the inputs.
      scale: [R, 1...] or [R, D...], multiplies the result.
      fill: [R, 1] or [R, C], what augmentation pads with.
      draw_seeds: int64 [R] for each layer of dropout.
      vector_l2: [R], of gains and biases; () where it is that of all parameters.
    """

    momentum: tf.Tensor
    l2: tf.Tensor
    offset: tf.Tensor
    scale: tf.Tensor
    fill: tf.Tensor
    draw_seeds: list[tf.Tensor]
    vector_l2: tf.Tensor | tuple[()] = ()

    def l2_of(self, weight: tf.Tensor) -> tf.Tensor:
        """Returns the L2 of a trainable variable, [R]; `weight` is [R, ...]."""
        if isinstance(self.vector_l2, tuple) or weight.shape.rank > 2:
            return self.l2
        return self.vector_l2


class Batches(NamedTuple):
    """What R runs need for K steps; () where no run needs it.

    Attributes:
      positions: int32 [K, R, B], of the examples in the pool.
      learning_rates: [K, R].
      clip_norms: [K, R], infinite where a run does not clip.
      draws: row shifts, column shifts and flips of `bsgen.data.augmentation`, each
        [K, R, B].
      example_weights: [K, R, B]; the loss is the sum of the examples' losses times
        these, and without them their mean.
      momenta: [K, R], in place of those of `Settings`.
      begins_epoch: bool [K, R], whether what is carried goes back to 0 before the step.
    """

    positions: tf.Tensor
    learning_rates: tf.Tensor
    clip_norms: tf.Tensor | tuple[()] = ()
    draws: tuple[tf.Tensor, ...] = ()
    example_weights: tf.Tensor | tuple[()] = ()
    momenta: tf.Tensor | tuple[()] = ()
    begins_epoch: tf.Tensor | tuple[()] = ()
