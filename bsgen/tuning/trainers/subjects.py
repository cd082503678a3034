"""What theory measures before a search: a fresh model, its loss and training data."""

import dataclasses
from typing import Any, Protocol

import keras

from bsgen.tuning.trainers import examples


@dataclasses.dataclass(frozen=True, eq=False)
class Subject:
    """A model at its initial weights, with all that its training takes.

    Attributes:
      model: a built model of its own; measuring trains it.
      loss: as for `compile`; None for that of a model that is compiled.
      train_data: the training examples.
      l2: of the penalty l2 |w|^2 / 2 that training adds.
      seed: of the batches.
    """

    model: keras.Model
    loss: Any
    train_data: examples.Examples
    l2: float = 0.0
    seed: int = 0


class SubjectTrainer(Protocol):
    """A trainer whose model can be measured.

    Attributes:
      train_size: see `trainers.Trainer`, as the rest.
      metric: what the score is called.
      lower_is_better: whether less of the metric is better.
      worst_score: of a repeat that diverged.
      baseline_score: of the constant predictor.
    """

    train_size: int
    metric: str
    lower_is_better: bool
    worst_score: float
    baseline_score: float

    def subject(self, repeat: int = 0) -> Subject:
        """Returns what a repeat of every setting starts from."""
