"""Checks of examples before anything is trained on them."""

import contextlib
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors
from bsgen.data import dataset_forms
from bsgen.measures.objective import misfits
from bsgen.tuning.trainers import examples as examples_lib
from bsgen.tuning.trainers import metric_values

_READ_AT_ONCE = 2**24  # numbers
_MOST_TRIED = 256  # examples
# What Keras and TensorFlow raise for what does not fit together.
_REFUSALS = (
    TypeError,
    ValueError,
    tf.errors.InvalidArgumentError,
    tf.errors.UnimplementedError,
)


def check_finite(examples: "examples_lib.Examples", model: keras.Model) -> None:
    """Refuses examples with NaN or infinity, unless the model takes them.

    Missing targets are often written as NaN, for a loss that ignores them.

    Args:
      examples: to check.
      model: untrained, compiled.

    Raises:
      UserError: numbers are not finite, and neither is the loss on them.
    """
    for name, array in _named(examples):
        count = 0
        places: list[int] = []
        for start, part in _parts(array):
            wrong = ~np.isfinite(part).reshape(len(part), -1).all(axis=1)
            count += int(wrong.sum())
            places.extend((start + np.flatnonzero(wrong))[: _MOST_TRIED - len(places)])
        if not count:
            continue
        batches = examples.at(np.array(places), _MOST_TRIED)
        measured = model.evaluate(batches, return_dict=True, verbose=0)
        if np.isfinite(measured.get("loss", np.nan)):
            continue
        remedy = f"{name} hold NaN or infinity in {count} of {len(array)} examples, "
        remedy += f"first in example {places[0]}: remove or replace them"
        raise errors.UserError(examples.argument, "examples", remedy)


def check_shapes(
    examples: "examples_lib.Examples",
    input_shapes: Sequence[tuple[int | None, ...]] | None,
) -> None:
    """Refuses the input of a model with one input if its shape is another.

    Raises:
      UserError: it is, or there are several.
    """
    found = [array.shape[1:] for array in tf.nest.flatten(examples.inputs)]
    if input_shapes is None or len(input_shapes) > 1:
        return
    wanted = tuple(input_shapes[0][1:])
    if len(found) > 1 or not dataset_forms.fits(found[0], wanted):
        remedy = f"the model takes one input of shape {wanted} an example"
        raise errors.UserError(examples.argument, f"inputs of shapes {found}", remedy)


def _named(examples: "examples_lib.Examples") -> Iterator[tuple[str, np.ndarray]]:
    parts = {
        "inputs": examples.inputs,
        "targets": examples.targets,
        "weights": examples.weights,
    }
    for name, part in parts.items():
        for array in tf.nest.flatten(part) if part is not None else []:
            if array.dtype.kind == "f":
                yield name, array


def _parts(array: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    rows = max(1, _READ_AT_ONCE // max(array[:1].size, 1))
    for start in range(0, len(array), rows):
        yield start, array[start : start + rows]


def check_trainable(examples: "examples_lib.Examples", model: keras.Model) -> None:
    """Refuses examples that a model, its loss or its metrics cannot take.

    All of them are tried, in a pass without gradients, since a single label or index
    out of range would end every trial.

    Args:
      examples: to check.
      model: untrained, compiled; with the loss that it was compiled with.

    Raises:
      UserError: it cannot.
    """
    with in_one_line(examples):
        measured = metric_values.evaluate(model, examples.in_order())
    if any(each.key == "loss" and np.isnan(each.value) for each in measured):
        # On a GPU a label out of range raises nothing.
        remedy = "the untrained model's loss on them is NaN; are all class labels and "
        remedy += "indices within the ranges that the model takes?"
        raise errors.UserError(examples.argument, "examples", remedy)


@contextlib.contextmanager
def in_one_line(examples: "examples_lib.Examples") -> Iterator[None]:
    """Turns an error of Keras or TensorFlow about examples into one line.

    Raises:
      UserError: in place of what Keras or TensorFlow raised.
    """
    try:
        yield
    except errors.UserError:
        raise
    except _REFUSALS as error:
        shapes = tf.nest.map_structure(
            lambda array: array.shape, [examples.inputs, examples.targets]
        )
        value = "inputs {} and targets {}".format(*shapes)
        remedy = f"model, loss and metrics cannot take them ({misfits.reason(error)})"
        raise errors.UserError(examples.argument, value, remedy) from error
