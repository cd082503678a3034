"""Ghost batch normalization from Keras' batch normalization, and back.

Both have the same weights, in the same order: gamma, beta, running mean and variance.
They differ only in training.
"""

from typing import Any

import keras

from bsgen import errors

# The arguments that both layers have.
_SHARED = (
    *("name", "trainable", "dtype", "axis", "momentum", "epsilon", "center", "scale"),
    *("beta_initializer", "beta_regularizer", "beta_constraint"),
    *("gamma_initializer", "gamma_regularizer", "gamma_constraint"),
)


def shared_arguments(layer: keras.layers.Layer) -> dict[str, Any]:
    """Returns the arguments that both layers have, with the values of `layer`.

    Raises:
      UserError: the layer is not a batch normalization.
    """
    config = layer.get_config() if isinstance(layer, keras.layers.Layer) else {}
    if not {*_SHARED} <= {*config}:
        found = type(layer).__name__
        raise errors.UserError("layer", found, "give a keras.layers.BatchNormalization")
    return {name: config[name] for name in _SHARED}


def copy_weights(source: keras.layers.Layer, target: keras.layers.Layer) -> None:
    """Builds `target` for the inputs of `source` and copies the weights, if it has any.

    Args:
      source: one of the two layers; if it is not built, nothing is copied.
      target: the other one.
    """
    if not source.built:
        return
    shape = [None] * source.input_spec.ndim
    for axis, size in source.input_spec.axes.items():
        shape[axis] = size
    target.build(tuple(shape))
    target.set_weights(source.get_weights())
