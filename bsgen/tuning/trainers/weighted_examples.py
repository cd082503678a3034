"""Examples with the weights of their classes, read epoch by epoch."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from bsgen.data import class_weights, epoch_cache


class Weighted:
    """Examples with the weights of their classes; see `examples.Examples`."""

    def __init__(self, rows: Any, class_weight: Mapping[int, float]):
        """Takes examples without weights.

        Args:
          rows: where they come from.
          class_weight: at least 0, by class; 1 for a class that it does not name.

        Raises:
          UserError: the examples have weights already or several targets, or a weight
            is no such number.
        """
        self._weights = class_weights.check(class_weight)
        class_weights.check_parts(self._weights, rows.structure)
        self._rows = rows
        self.is_random = rows.is_random
        self.structure = (*rows.structure, 0)
        self._epochs = epoch_cache.EpochCache(self._read)

    def epoch(self, number: int) -> list[np.ndarray]:
        """Returns an array of all examples for each leaf, the weights last."""
        return self._epochs[number if self.is_random else 0]

    def _read(self, number: int) -> list[np.ndarray]:
        arrays = self._rows.epoch(number)
        dtype = keras.config.floatx()
        return [*arrays, class_weights.of_targets(arrays[-1], self._weights, dtype)]
