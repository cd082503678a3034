"""The fully connected autoencoder that Smith, Elsen & De (2020) train on MNIST.

Their appendix B gives its widths, 784-1000-500-250-30-250-500-1000-784, and refers to
Sutskever et al. (2013), "On the importance of initialization and momentum in deep
learning", for the rest. Those train sigmoid units from the sparse initialisation of
Martens (2010), section 5, "Deep learning via Hessian-free optimization".
"""

import math

import keras
import numpy as np

from bsgen.models import dense

_CONNECTIONS = 15  # of a unit to the layer below it, at the start: Martens (2010)


def autoencoder(
    input_shape: tuple[int, ...],
    num_classes: int,
    hidden_units: tuple[int, ...],
    activation: str = "relu",
    output_activation: str = "linear",
    initialization: str = "glorot",
    seed: int = 0,
) -> keras.Model:
    """Builds a fully connected network with as many outputs as inputs.

    Args:
      num_classes: ignored; the inputs are the targets.
      hidden_units, activation: as for `dense.mlp`.
      output_activation: "linear", which suits inputs of either sign and losses of
        logits, or "sigmoid".
      initialization: of the kernels, "glorot" (uniform) or "sparse": 15 weights N(0, 1)
        a unit, at random places, and no others. Biases start at 0 with both.

    Returns:
      A functional model to [batch, values of an input].

    Raises:
      UserError: Keras has no such activation.
    """
    values = math.prod(input_shape)
    model = dense.mlp(input_shape, values, hidden_units, activation, seed)
    if initialization == "sparse":
        kernels = (weight for weight in model.weights if len(weight.shape) == 2)
        for index, kernel in enumerate(kernels):
            kernel.assign(sparse_kernel(kernel.shape, [seed, index]))
    if output_activation == "linear":
        return model
    full = keras.config.dtype_policy().variable_dtype
    outputs = keras.layers.Activation(output_activation, dtype=full)(model.output)
    return keras.Model(model.input, outputs, name=model.name)


def sparse_kernel(shape: tuple[int, int], seed: int | list[int]) -> np.ndarray:
    """Draws a kernel whose columns have 15 entries N(0, 1), or all if there are fewer.

    Args:
      shape: inputs and units.
      seed: of NumPy's generator.

    Returns:
      [inputs, units], float32.
    """
    rng = np.random.default_rng(seed)
    order = rng.random(shape).argsort(axis=0)  # of each unit, a random one
    kernel = rng.normal(size=shape)
    return np.where(order < _CONNECTIONS, kernel, 0).astype(np.float32)
