"""What a search expects of a trainer, and what it asks one for."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import keras

from bsgen import errors
from bsgen.tuning.procedures import comparison, outcomes, settings
from bsgen.tuning.trainers import examples


class Trainer(Protocol):
    """Trains settings for a search.

    Attributes:
      train_size: N, number of training examples.
      num_epochs: of a run, its budget.
      metric: name of the score.
      lower_is_better: whether the score is the metric with its sign reversed, because
        less of the metric is better.
      worst_score: the score of a repeat that diverged, finite.
      baseline_score: the score of the best constant answer, which training must beat.
      baseline: what has the baseline score, in words.
    """

    train_size: int
    num_epochs: float
    metric: str
    lower_is_better: bool
    worst_score: float
    baseline_score: float
    baseline: str

    def train(
        self,
        setting: settings.Setting,
        repeats: Sequence[int],
        num_epochs: float | None = None,
    ) -> outcomes.Outcome:
        """Trains a setting once a repeat; repeat i has the same seed in every setting.

        Args:
          setting: what to train.
          repeats: numbers of the repeats.
          num_epochs: None for the trainer's own budget.

        Raises:
          Exception: whatever the user's code raises.
        """


@runtime_checkable
class CompiledTrainer(Protocol):
    """A trainer that can also train the model as its user compiled it.

    Attributes:
      own_optimizer: name of the user's optimizer; None if the model is not compiled.
    """

    own_optimizer: str | None

    def train_as_compiled(
        self, batch_size: int, repeats: Sequence[int], num_epochs: float | None = None
    ) -> outcomes.Outcome:
        """Trains with the optimizer as it was compiled; see `Trainer.train`."""


@runtime_checkable
class BuildingTrainer(Protocol):
    """A trainer that trains a user's models, and can hand one out."""

    def build(self, setting: settings.Setting) -> keras.Model:
        """Returns a new model, compiled with a setting's rate and momentum."""


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


class MeasurableTrainer(Trainer, Protocol):
    """A trainer whose model can be measured before a search."""

    def subject(self, repeat: int = 0) -> Subject:
        """Returns what a repeat of every setting starts from."""


def train(
    trainer: Trainer, request: settings.Request, num_epochs: float | None = None
) -> outcomes.Outcome:
    """Trains what a request asks for: a setting, part of it, or the model as compiled.

    Args:
      trainer: must be a `CompiledTrainer`, too, to train the model as compiled.
      request: what to train.
      num_epochs: None for the trainer's own budget.

    Raises:
      Exception: whatever the user's code raises.
    """
    setting, repeats = request.setting, request.repeats
    if isinstance(setting, settings.Setting):
        return trainer.train(setting, repeats, num_epochs=num_epochs)
    if isinstance(setting, settings.Prefix):
        epochs = setting.share * trainer.num_epochs
        return trainer.train(setting.whole, repeats, num_epochs=epochs)
    if not isinstance(trainer, CompiledTrainer):
        raise TypeError(f"{type(trainer).__name__} has no model as compiled")
    return trainer.train_as_compiled(setting.batch_size, repeats, num_epochs)


def numbers(trainer: Trainer) -> dict[str, Any]:
    """Returns the arguments of a `Procedure` that a trainer knows."""
    # A baseline with the worst score possible is none, and says nothing of the scale.
    has_scale = trainer.lower_is_better and trainer.baseline_score > trainer.worst_score
    return {
        "train_size": trainer.train_size,
        "baseline_score": trainer.baseline_score,
        "metric": trainer.metric,
        "lower_is_better": trainer.lower_is_better,
        "tolerance": comparison.default_tolerance(trainer.baseline_score, has_scale),
    }


def to_beat(trainer: Trainer) -> str:
    """Returns what a setting must beat to count as trained, as one line."""
    sign = -1 if trainer.lower_is_better else 1
    value = sign * trainer.baseline_score
    return f"to beat: {trainer.baseline}, {trainer.metric} {value:.4g}"


def own_optimizer(trainer: Trainer) -> str | None:
    """Returns the optimizer that a trainer's model was compiled with, if it was."""
    return trainer.own_optimizer if isinstance(trainer, CompiledTrainer) else None


def own(trainer: Trainer, batch_size: int, limit: int) -> settings.AsCompiled | None:
    """Returns a trainer's model as compiled, at a batch size of at most `limit`.

    None if it is not compiled.

    Raises:
      UserError: it is no batch size.
    """
    size = errors.check_integer("baseline_batch_size", batch_size, 1)
    optimizer = own_optimizer(trainer)
    if optimizer is None:
        return None
    return settings.AsCompiled(min(size, limit), optimizer)
