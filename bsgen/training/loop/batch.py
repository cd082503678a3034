"""A worker's share of a batch, and the equal parts that replicas take of it."""

from typing import Any, NamedTuple

import tensorflow as tf


class Batch(NamedTuple):
    """This worker's share of a global batch, [b, ...], or of K of them, [K, b, ...].

    Attributes:
      examples: int32 positions in the images on the device, or the images themselves,
        [..., H, W, C], in the type they are stored in.
      labels: of the dataset; see `bsgen.data.Dataset.labels`.
      draws: row shifts, column shifts and flips of `bsgen.data.augmentation`; empty
        without one.
      loss_weights: one tensor, float32 [..., b], that multiplies the examples' losses;
        empty without noise.
    """

    examples: tf.Tensor
    labels: tf.Tensor
    draws: tuple[tf.Tensor, ...] = ()
    loss_weights: tuple[tf.Tensor, ...] = ()


def part(tensors: Any, index: tf.Tensor | int, count: int) -> Any:
    """Returns the part `index` of `count` equal parts along the first axis."""
    if count == 1:
        return tensors

    def cut(tensor: tf.Tensor) -> tf.Tensor:
        size, *others = tensor.shape  # static, because layers need it
        begin = [index * (size // count), *(0 for _ in others)]
        return tf.slice(tensor, begin, [size // count, *others])

    return tf.nest.map_structure(cut, tensors)
