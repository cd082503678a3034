"""Long short-term memory that gets its state, and gives it back.

Hochreiter & Schmidhuber (1997), as Zaremba et al. (2014), arXiv:1409.2329, section 3,
write it: with the pre-activations (i, f, g, o) = x W + h R + b of the input, the forget
gate, the candidate and the output gate,

    c <- sigmoid(f) c + sigmoid(i) tanh(g),    h <- sigmoid(o) tanh(c).
"""

from typing import Any

import keras
import tensorflow as tf

# A loop over more inputs is one of TensorFlow's. That of fewer is unrolled, because
# `tf.vectorized_map`, which makes one program of many runs, cannot differentiate loops;
# ten inputs take XLA some seconds to compile.
LONGEST_UNROLLED = 10


@keras.saving.register_keras_serializable(package="bsgen")
class LSTM(keras.layers.Layer):
    """One layer; nothing is added to the bias of the forget gate.

    Its weights are those of `keras.layers.LSTM`, in the same order: the kernel W, the
    recurrent kernel R and the bias b, with the gates i, f, g, o side by side. Unlike
    that one it has no variables besides, and is one loop that XLA compiles as such.

    Args:
      units: the width of h and c.
      kernel_initializer, recurrent_initializer, bias_initializer: of W, R and b.
      **kwargs: further arguments of `keras.layers.Layer`.
    """

    def __init__(
        self,
        units: int,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)

    def build(self, input_shape: tuple, *states: tuple) -> None:
        """Makes the weights."""
        width = 4 * self.units
        self.kernel = self.add_weight(
            (input_shape[-1], width), self.kernel_initializer, name="kernel"
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, width), self.recurrent_initializer, name="recurrent_kernel"
        )
        self.bias = self.add_weight((width,), self.bias_initializer, name="bias")

    def call(
        self, inputs: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Reads T inputs one after the other.

        Args:
          inputs: [batch, T, width], with T known.
          hidden, cell: h and c before, [batch, units].

        Returns:
          h after each input, [batch, T, units], and h and c after the last one.
        """
        # Of all inputs at once; the loop is left with what depends on h.
        of_inputs = tf.matmul(inputs, self.kernel) + self.bias
        outputs, hidden, cell = recurrence(
            tf.transpose(of_inputs, [1, 0, 2]), self.recurrent_kernel, hidden, cell
        )
        return tf.transpose(outputs, [1, 0, 2]), hidden, cell

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments."""
        initializers = {
            name: keras.initializers.serialize(getattr(self, name))
            for name in (
                "kernel_initializer",
                "recurrent_initializer",
                "bias_initializer",
            )
        }
        return {**super().get_config(), "units": self.units, **initializers}


def recurrence(
    of_inputs: tf.Tensor,
    recurrent_kernel: tf.Tensor,
    hidden: tf.Tensor,
    cell: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns h after each of T inputs, [T, ..., batch, units], and the last h and c.

    Further axes, such as one of runs, may stand before the batch in all arguments.

    Args:
      of_inputs: what the inputs contribute to the gates, x W + b, with T known,
        [T, ..., batch, 4 units].
      recurrent_kernel: R, [..., units, 4 units].
      hidden, cell: h and c before, [..., batch, units].
    """
    length = of_inputs.shape[0]

    def read(
        time: tf.Tensor | int, hidden: tf.Tensor, cell: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        gates = of_inputs[time] + tf.matmul(hidden, recurrent_kernel)
        of_input, forget, candidate, output = tf.split(gates, 4, axis=-1)
        cell = tf.sigmoid(forget) * cell + tf.sigmoid(of_input) * tf.tanh(candidate)
        return tf.sigmoid(output) * tf.tanh(cell), cell

    if length <= LONGEST_UNROLLED:
        each = []
        for time in range(length):
            hidden, cell = read(time, hidden, cell)
            each.append(hidden)
        return tf.stack(each), hidden, cell

    def iteration(
        time: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, outputs: tf.TensorArray
    ) -> tuple:
        hidden, cell = read(time, hidden, cell)
        return time + 1, hidden, cell, outputs.write(time, hidden)

    outputs = tf.TensorArray(of_inputs.dtype, length, element_shape=hidden.shape)
    _, hidden, cell, outputs = tf.while_loop(
        lambda time, *_: time < length,
        iteration,
        (tf.constant(0), hidden, cell, outputs),
        maximum_iterations=length,  # XLA needs it for the gradient
    )
    return outputs.stack(), hidden, cell
