"""The values of all variables of a model, to evaluate it at other values."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen import errors

Arrays: TypeAlias = list[npt.NDArray[Any]]


@dataclasses.dataclass(frozen=True, eq=False)
class State:
    """Values for all variables of a model.

    Attributes:
      weights: of `model.trainable_variables`, float64.
      others: of `model.non_trainable_variables`, running averages and seeds.
    """

    weights: Arrays
    others: Arrays

    def moved(self, direction: Sequence[npt.NDArray[Any]], factor: float) -> State:
        """Returns the state with `factor` times a direction added to the weights."""
        moved = [w + factor * d for w, d in zip(self.weights, direction, strict=True)]
        return State(moved, self.others)

    def tensors(self, model: keras.Model) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Returns weights and others, of the dtypes of a model's variables."""
        weights = zip(self.weights, model.trainable_variables, strict=True)
        others = zip(self.others, model.non_trainable_variables, strict=True)
        return (
            [tf.cast(value, variable.dtype) for value, variable in weights],
            [tf.cast(value, variable.dtype) for value, variable in others],
        )


def of(model: keras.Model, given: keras.Model | Sequence[Any], argument: str) -> State:
    """Returns the state that a user gives for a model.

    Args:
      model: a built model.
      given: a model of the same variables, or a list of arrays: the trainable ones, as
        of `[v.numpy() for v in model.trainable_variables]`, or all, as of
        `model.get_weights()`. What a list lacks is taken from `model`.
      argument: what it was given as, for the message.

    Raises:
      UserError: it does not fit the model.
    """
    trainable, others = model.trainable_variables, model.non_trainable_variables
    if isinstance(given, keras.Model):
        values = [
            v.numpy()
            for v in (*given.trainable_variables, *given.non_trainable_variables)
        ]
        variables = [*trainable, *others]
    else:
        values = [np.asarray(value) for value in given]
        variables = trainable if len(values) == len(trainable) else model.weights
    shapes = [tuple(v.shape) for v in variables]
    if [v.shape for v in values] != shapes:
        remedy = f"the arrays must have the shapes {shapes} of the model's variables"
        raise errors.UserError(argument, [v.shape for v in values], remedy)
    found = {id(v): value for v, value in zip(variables, values, strict=True)}
    return State(
        [np.asarray(found[id(v)], np.float64) for v in trainable],
        [found[id(v)] if id(v) in found else v.numpy() for v in others],
    )
