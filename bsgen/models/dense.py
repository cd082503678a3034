"""Dense networks: the shallow network of Smith & Le (2017), section 4, and its kin.

Smith & Le (2017) give one hidden layer of 800 units; activation and initialisation are
our choice (ReLU, Glorot-uniform weights, zero biases).
"""

import keras


def mlp(
    input_shape: tuple[int, ...],
    num_classes: int,
    hidden_units: tuple[int, ...] = (800,),
    activation: str = "relu",
    seed: int = 0,
    dtype: str = "float32",
) -> keras.Model:
    """Builds a fully connected network that returns logits.

    Args:
      input_shape: shape of one input; it is flattened first.
      num_classes: width of the output, at least 2.
      hidden_units: widths of the hidden layers; () gives a linear model.
      activation: a Keras activation of the hidden layers.
      seed: of the initial weights; the same seed gives the same weights.
      dtype: of weights and arithmetic.

    Returns:
      A functional model, inputs [batch, *input_shape] to logits [batch, num_classes].
    """
    inputs = keras.Input(input_shape, dtype=dtype)
    outputs = inputs
    if len(input_shape) > 1:
        outputs = keras.layers.Flatten(dtype=dtype)(outputs)
    widths = (*hidden_units, num_classes)
    for index, width in enumerate(widths):
        outputs = keras.layers.Dense(
            width,
            activation=activation if index < len(hidden_units) else None,
            kernel_initializer=_initializer(seed, index),
            dtype=dtype,
        )(outputs)
    return keras.Model(inputs, outputs, name="mlp")


def logistic_regression(
    input_shape: tuple[int, ...],
    num_classes: int = 2,
    seed: int = 0,
    dtype: str = "float64",
) -> keras.Model:
    """Builds the linear model of Smith & Le (2017), section 3: weights and one bias.

    Returns:
      A functional model, inputs [batch, D] to one logit [batch, 1] for two classes and
      to [batch, num_classes] for more; float64 by default, for exact minima.
    """
    width = 1 if num_classes == 2 else num_classes
    return mlp(input_shape, width, hidden_units=(), seed=seed, dtype=dtype)


def _initializer(seed: int, layer: int) -> keras.initializers.Initializer:
    # One seed a layer, spaced so that no two (seed, layer) pairs below 1000 layers
    # meet.
    return keras.initializers.GlorotUniform(seed=1000 * seed + layer)
