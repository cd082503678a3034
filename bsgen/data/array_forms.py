"""A user's examples as arrays: of which form they are, and how many there are."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from bsgen import errors

PARTS = ("inputs", "targets", "weights")


def examples(argument: str, data: Any) -> tuple[Any, ...]:
    """Returns a user's data as (inputs, targets) or (inputs, targets, weights).

    Args:
      argument: what they were given as, for messages.
      data: two or three parts in a tuple or list, each as `part` takes it; weights may
        be None.

    Returns:
      The parts, as NumPy arrays with the examples along their first axes.

    Raises:
      UserError: the data are of another form, or as for `count`.
    """
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        remedy = "give (inputs, targets) or (inputs, targets, weights), or a "
        remedy += "tf.data.Dataset or keras.utils.PyDataset of them, which a generator "
        remedy += "or loader becomes by tf.data.Dataset.from_generator"
        raise errors.UserError(argument, type(data).__name__, remedy)
    given = data[:2] if data[-1] is None and len(data) == 3 else data
    parts = tuple(
        part(f"{argument} {name}", each)
        for name, each in zip(PARTS, given, strict=False)
    )
    count(argument, parts)
    return parts


def part(argument: str, given: Any) -> Any:
    """Returns one array, or a structure of arrays, with examples along axis 0.

    Args:
      argument: what it was given as, for messages.
      given: an array, tensor, table or nested lists of numbers or texts; or a
        dictionary, list or tuple of arrays.

    Returns:
      NumPy arrays; a list of them as a tuple, since a list is one tensor to tf.data.

    Raises:
      UserError: it, or something in it, is no array of numbers or texts.
    """
    if isinstance(given, Mapping):
        return {name: part(argument, value) for name, value in given.items()}
    if isinstance(given, tuple | list) and any(map(_holds_arrays, given)):
        return tuple(part(argument, value) for value in given)
    try:
        array = np.asarray(given)
        if array.dtype == object and array.ndim and not _is_text(array):
            array = np.array(array.tolist())  # such as a table of mixed columns
    except (TypeError, ValueError) as error:
        remedy = "cannot be made an array: give numbers, all rows of one length, or "
        remedy += "several arrays in a dictionary or list"
        raise errors.UserError(argument, type(given).__name__, remedy) from error
    if array.dtype.name == "bfloat16":  # a type of TensorFlow's, not of NumPy's
        array = array.astype(np.float32)
    if array.dtype.kind == "U" or array.dtype == object and _is_text(array):
        return array.astype(object)
    if array.dtype.kind not in "biufS" or not array.ndim:
        remedy = "give numbers or texts, with examples along the first axis"
        is_number = given is None or isinstance(given, int | float)
        value = array.dtype.name if array.ndim else type(given).__name__
        raise errors.UserError(argument, given if is_number else value, remedy)
    return array


def count(argument: str, parts: Any) -> int:
    """Returns the number of examples in a structure of arrays.

    Raises:
      UserError: there are none, or the arrays differ in length.
    """
    lengths = {len(array) for array in tf.nest.flatten(parts)}
    if len(lengths) != 1:
        remedy = f"they differ in length: {sorted(lengths)}"
        if any(isinstance(each, tuple) for each in parts):
            remedy += "; a list of arrays is several inputs, and np.stack joins rows"
        raise errors.UserError(argument, "arrays", remedy)
    (length,) = lengths
    if not length:
        raise errors.UserError(argument, "empty", "give at least one example")
    return length


def _holds_arrays(value: Any) -> bool:
    return isinstance(value, Mapping) or bool(getattr(value, "shape", ()))


def _is_text(array: np.ndarray) -> bool:
    return all(isinstance(each, str | bytes) for each in array.flat)
