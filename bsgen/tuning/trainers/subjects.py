"""What is measured before a guided search: a fresh model, its loss and its data."""

import dataclasses
from typing import Any

import keras

from bsgen.tuning.trainers import examples


@dataclasses.dataclass(frozen=True, eq=False)
class Subject:
    """A model at its initial weights, with everything that its training needs.

    Attributes:
      model: a built model of its own, which measuring trains.
      loss: as for `compile`; None for that of a compiled model.
      train_data: the training examples.
      l2: of the penalty l2 |w|^2 / 2 that training adds.
      seed: of the batches.
    """

    model: keras.Model
    loss: Any
    train_data: examples.Examples
    l2: float = 0.0
    seed: int = 0
