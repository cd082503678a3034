"""A user's model, as an object or as a function that builds one, ready to measure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from bsgen import errors
from bsgen.data import dataset_forms, forms
from bsgen.measures.objective import misfits

# A model, compiled or not, built or not; or a function without arguments to one.
Model: TypeAlias = keras.Model | Callable[[], keras.Model]


def built(model: Model, data: Any) -> keras.Model:
    """Returns a model that has its weights.

    Args:
      model: of whatever kind. One that is not built yet, as a `keras.Sequential`
        without `keras.Input` or a subclass, builds itself on the first example, as in
        `fit`; nothing else of it changes.
      data: what it is to be measured on, in one of the forms of `bsgen.data.forms`.

    Raises:
      UserError: it is no model, the function needs arguments or returns none, or the
        model cannot take the data.
    """
    if callable(model) and not isinstance(model, keras.Layer):  # a model is a layer
        errors.check_no_arguments("model", model)
        model = model()
    if not isinstance(model, keras.Model):
        remedy = "give a Keras model, or a function that returns one"
        raise errors.UserError("model", type(model).__name__, remedy)
    if not (model.built and model.trainable_variables):
        call(model, _first_inputs(model, data))
    return model


def call(model: keras.Model, inputs: Any, argument: str = "data") -> Any:
    """Returns a model's outputs of arrays, in inference mode.

    Args:
      argument: what the inputs were given as, for messages.

    Raises:
      UserError: it cannot take them.
    """
    try:
        tensors = tf.nest.map_structure(tf.convert_to_tensor, inputs)
        return model(tensors, training=False)
    except errors.UserError:
        raise
    except misfits.REFUSALS as error:
        shapes = tf.nest.map_structure(lambda array: tuple(array.shape), inputs)
        remedy = f"the model cannot take them ({misfits.reason(error)})"
        raise errors.UserError(argument, f"inputs {shapes}", remedy) from error


def _first_inputs(model: keras.Model, data: Any) -> Any:
    read = forms.read("data", data)
    if not isinstance(read, tf.data.Dataset):
        return tf.nest.map_structure(lambda array: array[:1], read[0])
    shapes = dataset_forms.input_shapes(model)
    for inputs, *_ in dataset_forms.batches("data", read, 1, shapes):
        return inputs
    raise errors.UserError("data", "empty", "give at least one example")
