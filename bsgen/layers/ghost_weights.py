"""The weights of a ghost batch normalization in a Keras file.

`moving_variance` is saved under its name. Older versions saved all weights by position,
and with `running_spread="std"` the last one was the running standard deviation. In a
whole `model.keras` the configuration says which; in a file of weights alone, it cannot
be told from the variance of a `keras.layers.BatchNormalization` in the same place.
"""

from typing import Any

import keras

from bsgen import errors

_NAME = "moving_variance"
# Stored in a layer's configuration: what its weights hold. Older versions lack it.
STORED = {"stored_spread": "variance"}


def save(layer: keras.layers.Layer, store: Any) -> None:
    """Writes the weights of a built layer into its place in a file."""
    for name, weight in _places(layer, _NAME).items():
        store[name] = weight


def load(layer: keras.layers.Layer, store: Any) -> None:
    """Reads the weights of a built layer from its place in a file.

    Raises:
      UserError: the file does not say what its spread is (see `unmarked_spread`), or
        it holds other weights.
    """
    marked = _NAME in store.keys()
    last = str(len(layer.weights) - 1)
    places = _places(layer, _NAME if marked else last)
    if {*store.keys()} != {*places}:
        remedy = f"the file holds {sorted(store.keys())} for {layer.name!r}, not "
        remedy += f"{sorted(places)}"
        raise errors.UserError("weights", layer.name, remedy)
    is_std = not marked and _unmarked_spread(layer) == "std"
    for name, weight in places.items():
        weight.assign(store[name])
    if is_std:
        layer.moving_variance.assign(layer.variance_of_std(layer.moving_variance))


def _places(layer: keras.layers.Layer, of_variance: str) -> dict[str, keras.Variable]:
    """Returns the weights by their names in the file."""
    by_position = [layer.gamma, layer.beta, layer.moving_mean]
    given = [weight for weight in by_position if weight is not None]
    numbered = {str(place): weight for place, weight in enumerate(given)}
    return {**numbered, of_variance: layer.moving_variance}


def _unmarked_spread(layer: keras.layers.Layer) -> str:
    if layer.running_spread == "variance":
        return "variance"
    if layer.unmarked_spread is None:
        remedy = "this file of weights does not say whether its spread is a standard "
        remedy += "deviation, as an older bsgen wrote it, or a variance, as Keras' "
        remedy += 'BatchNormalization does; set unmarked_spread = "std" or "variance" '
        remedy += "on the layer and load again"
        raise errors.UserError("unmarked_spread", None, remedy)
    return layer.unmarked_spread
