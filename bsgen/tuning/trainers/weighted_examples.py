"""Examples with the weights of their classes, read epoch by epoch."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from bsgen.data import class_weights


class Weighted:
    """Examples with the weights of their classes; see `examples.Examples`."""

    def __init__(self, rows: Any, class_weight: Mapping[int, float]):
        """Takes examples without weights.

        Args:
          rows: where they come from.
          class_weight: at least 0, by class; a class that is not named weighs 1.

        Raises:
          UserError: the examples have weights already or several targets, or a weight
            is none.
        """
        self._weights = class_weights.check(class_weight)
        class_weights.check_parts(self._weights, rows.structure)
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
        return class_weights.of_targets(targets, self._weights, keras.config.floatx())
