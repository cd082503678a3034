"""Weights of examples by their class, as `fit(class_weight=...)` takes them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bsgen import errors


def check(class_weight: Any) -> dict[int, float]:
    """Returns weights by class.

    Args:
      class_weight: at least 0, by class; a class that is missing weighs 1.

    Raises:
      UserError: it is not a dictionary of weights by class.
    """
    if not isinstance(class_weight, Mapping):
        remedy = "give a dictionary of weights by class, such as {0: 1.0, 1: 2.0}"
        raise errors.UserError("class_weight", class_weight, remedy)
    return {
        errors.check_integer("class_weight", label, 0): errors.check_real(
            "class_weight", weight, 0.0
        )
        for label, weight in class_weight.items()
    }


def check_parts(class_weight: Any, parts: Any) -> None:
    """Refuses class weights that do not fit the data, or the form of their elements.

    Raises:
      UserError: the data have weights already, or several targets.
    """
    if not isinstance(parts, tuple | list) or len(parts) != 2:
        remedy = "goes with (inputs, targets); the data have weights of their own"
        raise errors.UserError("class_weight", class_weight, remedy)
    if isinstance(parts[1], Mapping | tuple | list):
        remedy = "goes with a single target; give weights of the examples instead"
        raise errors.UserError("class_weight", class_weight, remedy)


def of_targets(
    targets: np.ndarray, class_weight: Mapping[int, float], dtype: str = "float32"
) -> np.ndarray:
    """Returns the weights of examples, one for each label.

    Args:
      targets: labels [n, ...] or [n, ..., 1], or one-hot [n, ..., classes].
      class_weight: as `check` returns it.
    """
    if targets.ndim > 1:
        single = targets.shape[-1] == 1
        targets = targets[..., 0] if single else targets.argmax(axis=-1)
    labels = np.round(targets).astype(int)
    weights = np.ones(labels.shape, dtype)
    for label, weight in class_weight.items():
        weights[labels == label] = weight
    return weights
