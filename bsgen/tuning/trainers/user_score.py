"""The score of a user's model: which metric, which way it points, and its bounds."""

import dataclasses
import math
from typing import Any

import keras
import numpy as np

from bsgen.tuning.trainers import (
    constant_baseline,
    examples,
    metric_direction,
    metric_values,
)

CONSTANT, UNTRAINED = "the best constant answer", "the untrained model"
NOTHING = "nothing, since an answer without training is perfect by this metric"


@dataclasses.dataclass(frozen=True)
class UserScore:
    """A metric of the user as a score, of which more is better.

    Attributes:
      metric: its name.
      lower_is_better: whether the score is the metric with its sign reversed.
      worst_score: of divergence: a bound of the metric, or else clearly below all that
        is known.
      baseline: what `baseline_score` is of: the best constant answer, or the untrained
        model where that is better, or where a constant cannot be scored or is perfect.
      baseline_score: what training must beat.
      place: of the metric among the values of the model.
    """

    metric: str
    lower_is_better: bool
    worst_score: float
    baseline: str
    baseline_score: float
    place: int

    def of(self, measured: list[metric_values.MetricValue]) -> float | None:
        """Returns the score of what was measured; None of a model that has diverged."""
        value = float(measured[self.place].value)
        score = -value if self.lower_is_better else value
        # The last step can have made weights of NaN, whose accuracy is a number.
        losses = [each.value for each in measured if each.key == "loss"]
        return score if np.isfinite([score, *losses]).all() else None


def find(
    model: keras.Model,
    measured: list[metric_values.MetricValue],
    metric: Any,
    mode: str | None,
    train_data: examples.Examples,
    validation_data: examples.Examples,
) -> UserScore:
    """Chooses the metric, and scores answers without training.

    `metric` and `mode` are those of `ModelTrainer`; `measured` are the values of the
    untrained model on the validation data.

    Raises:
      UserError: there is no such metric, or it is unknown which way it points.
    """
    place = metric_values.place(measured, metric)
    chosen = measured[place]
    direction = metric_direction.direction(chosen.name, chosen.metric, mode)
    sign = 1 if direction.mode == "max" else -1
    scores = {
        CONSTANT: constant_baseline.best(
            model, place, sign, train_data, validation_data
        ),
        UNTRAINED: sign * float(chosen.value),
    }
    # A perfect score says nothing: no score can be better.
    perfect = sign * direction.best
    usable = {
        name: score
        for name, score in scores.items()
        if score is not None and math.isfinite(score) and score < perfect
    }
    worst = sign * direction.worst
    if not math.isfinite(worst):
        lowest = min([*usable.values(), 0.0])
        worst = lowest - 10 * (abs(lowest) + 1)
    worst = float(np.float32(worst))  # as the scores
    baseline = max(usable, key=usable.__getitem__, default=NOTHING)
    return UserScore(
        metric=f"validation {chosen.name}",
        lower_is_better=sign < 0,
        worst_score=worst,
        baseline=baseline,
        baseline_score=usable.get(baseline, worst),
        place=place,
    )
