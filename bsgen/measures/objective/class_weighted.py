"""Data with the weights of their classes, for a loss that `fit` trains with them."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors
from bsgen.data import class_weights


def class_weighted(data: Any, class_weight: Mapping[int, float]) -> Any:
    """Returns data whose examples have the weights of their classes.

    Any measure of the result is one of the loss that `fit(class_weight=...)` minimises.

    Args:
      data: (inputs, targets) of arrays, or a `tf.data.Dataset` of such batches, with a
        single target: labels [n] or [n, 1], or one-hot [n, classes].
      class_weight: at least 0, by class; a class that is not named weighs 1.

    Returns:
      The data as (inputs, targets, weights [n]).

    Raises:
      UserError: the data have weights already or several targets, or `class_weight` is
        not as above.
    """
    weights = class_weights.check(class_weight)
    dtype = keras.config.floatx()
    is_dataset = isinstance(data, tf.data.Dataset)
    parts = data.element_spec if is_dataset else data
    if not isinstance(parts, tuple | list) or len(parts) != 2:
        remedy = "goes with (inputs, targets); data with weights of their own need none"
        raise errors.UserError("class_weight", class_weight, remedy)
    if isinstance(parts[1], dict | tuple):
        remedy = "goes with a single target; give weights of the examples instead"
        raise errors.UserError("class_weight", class_weight, remedy)
    if not is_dataset:
        targets = np.asarray(parts[1])
        return parts[0], parts[1], class_weights.of_targets(targets, weights, dtype)

    def add_weights(inputs: Any, targets: tf.Tensor) -> tuple[Any, ...]:
        found = tf.numpy_function(
            lambda each: class_weights.of_targets(each, weights, dtype),
            [targets],
            dtype,
        )
        found.set_shape(targets.shape[:1])
        return inputs, targets, found

    return data.map(add_weights)
