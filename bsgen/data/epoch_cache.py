"""The arrays of an epoch, for as long as they are needed."""

from collections.abc import Callable

import numpy as np


class EpochCache:
    """Reads epochs on demand; keeps the first one and the two that were read last.

    A batch can span two epochs, and every run begins with the first one.
    """

    def __init__(self, read: Callable[[int], list[np.ndarray]]):
        self._read = read
        self._epochs: dict[int, list[np.ndarray]] = {}

    def __getitem__(self, number: int) -> list[np.ndarray]:
        if number not in self._epochs:
            found = self._read(number)
            kept = {i: old for i, old in self._epochs.items() if i in (0, number - 1)}
            self._epochs = {**kept, number: found}
        return self._epochs[number]
