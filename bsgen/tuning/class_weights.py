"""Weights of examples by their class, as `fit(class_weight=...)` takes them."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors


class Weighted:
    """Examples with the weights of their classes; see `examples.Examples`."""

    def __init__(self, argument: str, rows: Any, class_weight: Mapping[int, float]):
        """Takes examples without weights.

        Args:
          argument: what they were given as, for messages.
          rows: where they come from.
          class_weight: at least 0, by class; a class that is not named weighs 1.

        Raises:
          UserError: the examples have weights already or several targets, or a weight
            is none.
        """
        if not isinstance(class_weight, Mapping):
            remedy = "give a dictionary of weights by class, such as {0: 1.0, 1: 2.0}"
            raise errors.UserError("class_weight", class_weight, remedy)
        if len(rows.structure) == 3:
            remedy = f"{argument} has weights of its own; give one of the two"
            raise errors.UserError("class_weight", dict(class_weight), remedy)
        if tf.nest.is_nested(rows.structure[1]):
            remedy = "goes with a single target; give weights of the examples instead"
            raise errors.UserError("class_weight", dict(class_weight), remedy)
        self._weights = {
            errors.check_integer("class_weight", label, 0): errors.check_real(
                "class_weight", weight, 0.0
            )
            for label, weight in class_weight.items()
        }
        self._rows = rows
        self.is_random = rows.is_random
        self.structure = (*rows.structure, 0)
        self._epochs: dict[int, list[np.ndarray]] = {}

    def epoch(self, number: int) -> list[np.ndarray]:
        """Returns an array of all examples for each leaf, the weights last."""
        number = number if self.is_random else 0
        if number not in self._epochs:
            arrays = self._rows.epoch(number)
            # A batch can span two epochs, so the one before stays.
            kept = {i: old for i, old in self._epochs.items() if i in (0, number - 1)}
            self._epochs = {**kept, number: [*arrays, self._of(arrays[-1])]}
        return self._epochs[number]

    def _of(self, targets: np.ndarray) -> np.ndarray:
        """Returns the weights [n] of targets, in single precision."""
        if targets.ndim > 1:
            single = targets.shape[-1] == 1
            targets = targets[..., 0] if single else targets.argmax(axis=-1)
        labels = np.round(targets).astype(int)
        weights = np.ones(labels.shape, keras.config.floatx())
        for label, weight in self._weights.items():
            weights[labels == label] = weight
        return weights
