"""Dropout whose masks are the same however and wherever they are computed."""

import math
from typing import Any

import keras
import tensorflow as tf

from bsgen.layers import threefry


@keras.saving.register_keras_serializable(package="bsgen")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout`; its masks follow from seed and number of the call alone.

    Whether element i of the inputs (counted in row-major order) is dropped depends on
    the seed, on how many calls in training there were before, and on i. Keras' own
    draws another mask under XLA, and another one inside `tf.vectorized_map`.

    Args:
      rate: the share dropped, 0 to 1; the others are divided by 1 - rate.
      seed: None for an arbitrary one.
      **kwargs: further arguments of `keras.layers.Layer`.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, seed=seed, **kwargs)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the inputs, with a share of them set to 0 in training."""
        if not training or not self.rate:
            return inputs
        kept = mask(self.seed_generator.next(), self.rate, inputs)
        scale = 0.0 if self.rate == 1 else 1 / (1 - self.rate)
        return tf.where(kept, inputs * tf.cast(scale, inputs.dtype), 0)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments."""
        config = super().get_config()
        del config["noise_shape"]
        return config


def mask(seed_and_call: tf.Tensor, rate: float, like: tf.Tensor) -> tf.Tensor:
    """Returns which elements are kept, bool in the shape of `like`.

    Args:
      seed_and_call: int64 [2], the seed and the number of calls before; of the latter,
        the lowest 32 bits count.
      rate: the share dropped.
      like: at most 2^32 elements.
    """
    shape = like.shape if like.shape.is_fully_defined() else tf.shape(like)
    count = math.prod(shape) if like.shape.is_fully_defined() else tf.size(like)
    low = tf.cast(seed_and_call & 0xFFFFFFFF, tf.uint32)
    above = tf.bitwise.right_shift(seed_and_call, tf.constant(32, tf.int64))
    high = tf.cast(above & 0xFFFFFFFF, tf.uint32)
    pairs = tf.cast(tf.range((count + 1) // 2, dtype=tf.int64), tf.uint32)
    drawn = threefry.words((low[0], high[0]), (low[1], pairs))
    # Element i is word i % 2 of pair i // 2, whatever the number of elements.
    words = tf.reshape(tf.stack(drawn, axis=-1), [-1])[:count]
    threshold = tf.constant(min(round(rate * 2**32), 2**32 - 1), tf.uint32)
    return tf.reshape(words >= threshold, shape)
