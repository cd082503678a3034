"""SkipInit: a learnable scalar, initially 0, at the end of a residual branch.

De & Smith (2020), arXiv:2002.10444; used by Smith, Elsen & De (2020) for their networks
without normalization. A block computes x + a f(x) and starts as the identity, a = 0.
"""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="bsgen")
class SkipInit(keras.layers.Layer):
    """Multiplies by one learnable scalar: y = a x, with a = 0 initially.

    Args:
      **kwargs: further arguments of `keras.layers.Layer`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Makes the scalar a, `gain`."""
        del input_shape
        self.gain = self.add_weight(name="gain", shape=(), initializer="zeros")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns a x, the shape of `inputs`."""
        return inputs * keras.ops.cast(self.gain, inputs.dtype)
