"""Data whose examples carry the weights of their classes, as in `fit`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from bsgen.data import array_forms, class_weights


def class_weighted(data: Any, class_weight: Mapping[int, float]) -> Any:
    """Returns data whose examples have the weights of their classes.

    A measure on the result is one of the loss that `fit(class_weight=...)` minimises.

    Args:
      data: (inputs, targets) of arrays, or a `tf.data.Dataset` of such batches, with a
        single target: labels [n] or [n, 1], or one-hot [n, classes].
      class_weight: at least 0, by class; a class that is not in it weighs 1.

    Returns:
      The data as (inputs, targets, weights [n]).

    Raises:
      UserError: the data have weights already or several targets, or `class_weight` is
        not as above.
    """
    weights = class_weights.check(class_weight)
    dtype = keras.config.floatx()
    is_dataset = isinstance(data, tf.data.Dataset)
    parts = data.element_spec if is_dataset else array_forms.examples("data", data)
    class_weights.check_parts(class_weight, parts)
    if not is_dataset:
        return (*parts, class_weights.of_targets(parts[1], weights, dtype))

    def add_weights(inputs: Any, targets: tf.Tensor) -> tuple[Any, ...]:
        found = tf.numpy_function(
            lambda each: class_weights.of_targets(each, weights, dtype),
            [targets],
            dtype,
        )
        found.set_shape(targets.shape[:1])
        return inputs, targets, found

    return data.map(add_weights)
