"""Data whose examples carry the weights of their classes, as in `fit`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from bsgen.data import class_weights, dataset_forms, forms


def class_weighted(data: Any, class_weight: Mapping[int, float]) -> Any:
    """Returns data whose examples have the weights of their classes.

    A measure on the result is one of the loss that `fit(class_weight=...)` minimises.

    Args:
      data: in one of the forms of `bsgen.data.forms`, without weights and with a single
        target: labels [n] or [n, 1], or one-hot [n, classes].
      class_weight: at least 0, by class; a class that is not in it weighs 1.

    Returns:
      The data as (inputs, targets, weights [n]).

    Raises:
      UserError: the data have weights already or several targets, or `class_weight` is
        not as above.
    """
    weights = class_weights.check(class_weight)
    dtype = keras.config.floatx()
    read = forms.read("data", data)
    if not isinstance(read, tf.data.Dataset):
        class_weights.check_parts(class_weight, read)
        return (*read, class_weights.of_targets(read[1], weights, dtype))
    class_weights.check_parts(class_weight, read.element_spec)
    is_single = dataset_forms.is_batched(read, None) is False

    def add_weights(inputs: Any, targets: tf.Tensor) -> tuple[Any, ...]:
        batch = targets[tf.newaxis] if is_single else targets
        found = tf.numpy_function(
            lambda each: class_weights.of_targets(each, weights, dtype), [batch], dtype
        )
        found.set_shape(batch.shape[: max(1, batch.shape.rank - 1)])
        return inputs, targets, found[0] if is_single else found

    return read.map(add_weights)
