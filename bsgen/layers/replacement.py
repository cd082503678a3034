"""The same network with ghost batch normalization in place of batch normalization."""

from typing import Any

import keras

from bsgen import errors
from bsgen.layers.ghost_batch_norm import GhostBatchNormalization


def replace_batch_normalization(
    model: keras.Model, ghost_batch_size: int, **arguments: Any
) -> keras.Model:
    """Returns a copy of a model, with ghosts and with the weights of the original.

    Every `keras.layers.BatchNormalization`, in nested models too, becomes a
    `GhostBatchNormalization` of its name, arguments and weights (Hoffer, Hubara &
    Soudry, 2017, arXiv 1705.08741, algorithm 1). Layers that are shared stay shared.
    Both models give the same outputs at inference, up to rounding; they differ in
    training. The model that was given is not changed.

    A compiled model's copy is compiled with the same loss, metrics and settings, and
    with an optimizer of the same arguments whose state is new. Another needs `compile`.

    >>> import keras
    >>> from bsgen.layers import replace_batch_normalization
    >>> model = keras.Sequential([
    ...     keras.Input((8,)), keras.layers.Dense(16, use_bias=False),
    ...     keras.layers.BatchNormalization(name="norm"), keras.layers.ReLU()])
    >>> ghosts = replace_batch_normalization(model, ghost_batch_size=32)
    >>> type(ghosts.get_layer("norm")).__name__
    'GhostBatchNormalization'
    >>> ghosts.compiled  # as the model, which was not
    False

    Args:
      model: functional or sequential, built or not.
      ghost_batch_size: G, at least 2; the small batch that generalizes well.
      **arguments: further ones of all new layers, which override those of the old.

    Raises:
      UserError: the model, or a layer in it, makes its layers in its own code; there is
        nothing to replace; or an argument is out of its range.
    """
    if not isinstance(model, keras.Model):
        remedy = "give a Keras model; a function that makes one has to be called"
        raise errors.UserError("model", type(model).__name__, remedy)
    if not _is_graph(model):
        raise _own_code(model)
    found: list[keras.Layer] = []

    def with_ghosts(layer: keras.Layer) -> keras.Layer:
        if isinstance(layer, keras.layers.BatchNormalization):
            found.append(layer)
            return GhostBatchNormalization.from_batch_normalization(
                layer, ghost_batch_size, **arguments
            )
        if any(map(_is_batch_normalization, layer._flatten_layers())):
            raise _own_code(layer)
        return layer.__class__.from_config(layer.get_config())

    with (
        model.distribute_strategy.scope(),
        keras.saving.custom_object_scope(_own_objects(model)),
    ):
        copy = keras.models.clone_model(
            model, clone_function=with_ghosts, recursive=True
        )
    if not found:
        remedy = "it has no keras.layers.BatchNormalization to replace"
        raise errors.UserError("model", model.name, remedy)
    if type(copy) is not type(model):
        raise _own_code(model)
    copy.trainable = model.trainable
    if model.built:
        copy.set_weights(model.get_weights())
    return copy


def _is_graph(model: Any) -> bool:
    """Whether the model is a graph of layers that Keras knows."""
    functional = keras.Model(x := keras.Input((1,)), x).__class__
    return isinstance(model, functional | keras.Sequential)


def _is_batch_normalization(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization)


def _own_code(layer: Any) -> errors.UserError:
    remedy = "its code makes its layers, which cannot be exchanged from outside; write "
    remedy += "bsgen.layers.GhostBatchNormalization there, or take a layer over by its "
    remedy += "from_batch_normalization"
    return errors.UserError("model", type(layer).__name__, remedy)


def _own_objects(model: keras.Model) -> dict[str, Any]:
    """Returns the user's own classes and functions that a model is compiled with."""
    if not model.compiled:
        return {}
    # Keras finds these only if they are registered.
    used = keras.tree.flatten(model._compile_config.config)
    makers = [each if hasattr(each, "__name__") else type(each) for each in used]
    return {
        each.__name__: each
        for each in makers
        if not (each.__module__ or "").startswith(("keras.", "builtins"))
    }
