"""Builds a network from its configuration."""

import keras

from bsgen import config, errors
from bsgen.models import dense


def _mlp(
    settings: config.ModelConfig,
    input_shape: tuple[int, ...],
    num_classes: int,
    seed: int,
) -> keras.Model:
    units, activation = settings.hidden_units, settings.activation
    return dense.mlp(input_shape, num_classes, units, activation, seed)


def _logistic_regression(
    settings: config.ModelConfig,
    input_shape: tuple[int, ...],
    num_classes: int,
    seed: int,
) -> keras.Model:
    del settings  # it has no sizes to choose
    return dense.logistic_regression(input_shape, num_classes, seed)


_BUILDERS = {"mlp": _mlp, "logistic_regression": _logistic_regression}


def names() -> tuple[str, ...]:
    """Returns the names that `ModelConfig.name` may take."""
    return tuple(_BUILDERS)


def build(
    settings: config.ModelConfig,
    input_shape: tuple[int, ...],
    num_classes: int,
    seed: int = 0,
) -> keras.Model:
    """Builds the network that `settings` names, with initial weights drawn by `seed`.

    Args:
      settings: name and sizes.
      input_shape: shape of one input.
      num_classes: number of classes.
      seed: of the initial weights.

    Returns:
      A functional model that maps [batch, *input_shape] to logits.

    Raises:
      UserError: no network has that name.
    """
    if settings.name not in _BUILDERS:
        raise errors.unknown_name("model", settings.name, _BUILDERS)
    return _BUILDERS[settings.name](settings, input_shape, num_classes, seed)
