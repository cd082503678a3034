"""A model called with given values in place of its variables, as `fit` calls it.

`Model.stateless_call` bypasses `Model.__call__`: it leaves out the casts of inputs and
the losses of activity regularisers, and passes `training` even to a `call` without it.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import tensorflow as tf

_ACTIVATIONS = ("Softmax", "Sigmoid")  # TensorFlow's operations


class Called(NamedTuple):
    """What a call of a model returns.

    Attributes:
      outputs: of the model.
      others: the values of `model.non_trainable_variables` after the call.
      added: losses that the call itself added: `add_loss` and activity regularisers.
      penalties: losses of the weights alone, those of the layers' regularisers.
      weights: the values of `model.trainable_variables` in the call.
      values: those of all variables, each with its variable.
    """

    outputs: Any
    others: list[tf.Tensor]
    added: list[tf.Tensor]
    penalties: list[tf.Tensor]
    weights: list[tf.Tensor]
    values: list[tuple[keras.Variable, tf.Tensor]]

    @property
    def ends(self) -> list[tf.Tensor]:
        """All tensors through which a loss of the outputs depends on the weights.

        They are the flattened outputs, and the logits that a softmax or a sigmoid made
        them of: Keras' cross-entropies look these up in place of probabilities, so a
        derivative by the outputs alone would miss them.
        """
        flat = tf.nest.flatten(self.outputs)
        return flat + [x for x in map(_logits, flat) if x is not None]


def call(
    model: keras.Model,
    weights: list[tf.Tensor],
    others: list[tf.Tensor],
    inputs: Any,
    training: bool = False,
) -> Called:
    """Calls a model, which stays as it is.

    Args:
      model: a built model.
      weights: values of `model.trainable_variables`.
      others: values of `model.non_trainable_variables`.
      inputs: of a batch.
      training: whether layers run in training mode. A model whose `call` takes no
        `training` runs as it does in `fit`, which passes none either.
    """
    values = [
        *zip(model.trainable_variables, weights, strict=True),
        *zip(model.non_trainable_variables, others, strict=True),
    ]
    takes_training = "training" in inspect.signature(model.call).parameters
    options = {"training": training} if takes_training else {}
    with keras.StatelessScope(values, collect_losses=True) as scope, _inlined(model):
        outputs = model(inputs, **options)
        added = list(scope.losses)
        seen = {id(loss) for loss in added}
        penalties = [loss for loss in model.losses if id(loss) not in seen]
    after = [scope.get_current_value(v) for v in model.non_trainable_variables]
    return Called(outputs, after, added, penalties, weights, values)


@contextlib.contextmanager
def _inlined(model: keras.Model) -> Iterator[None]:
    """Runs each `tf.function` in a model's layers as plain Python.

    A compiled one keeps the variables that it was traced with, whatever values the
    scope gives them.
    """
    before = tf.config.functions_run_eagerly()
    if any(map(_has_function, model._flatten_layers())):
        tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _has_function(layer: keras.Layer) -> bool:
    members = [vars(layer), *map(vars, type(layer).__mro__)]
    return any(
        isinstance(value, tf.types.experimental.PolymorphicFunction)
        for own in members
        for value in own.values()
    )


def _logits(output: tf.Tensor) -> tf.Tensor | None:
    known = getattr(output, "_keras_logits", None)
    if known is None and getattr(output, "op", None) is not None:
        known = output.op.inputs[0] if output.op.type in _ACTIVATIONS else None
    return known
