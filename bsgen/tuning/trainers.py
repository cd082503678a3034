"""How a setting is trained in a search: what every trainer offers."""

from collections.abc import Sequence
from typing import Protocol

from bsgen.tuning import outcomes, settings


class Trainer(Protocol):
    """Trains settings for a search.

    Attributes:
      train_size: N, examples to train on.
      metric: what the score is called.
      lower_is_better: whether the score is the metric with its sign reversed, because
        less of the metric is better.
      worst_score: the score of a repeat that diverged, finite.
      baseline_score: of the constant predictor.
    """

    train_size: int
    metric: str
    lower_is_better: bool
    worst_score: float
    baseline_score: float

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
