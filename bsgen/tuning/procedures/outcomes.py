"""The outcome of training a setting: a score a repeat, a status, and the cost."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from bsgen import errors, statistics
from bsgen.config import checked

STATUSES = ("completed", "diverged", "out_of_memory", "failed", "refused")


@dataclasses.dataclass(frozen=True)
class Outcome(checked.Checked):
    """Validation scores of a setting's repeats.

    A diverged repeat has the worst score possible, a finite number (0 for an accuracy),
    never NaN: it is a result, and counts. Scores are kept in single precision, so that
    they stay the same when keras-tuner sends them between machines.

    Attributes:
      scores: validation score by number of the repeat, higher is better; without the
        missing repeats of a setting that ended early.
      status: "completed"; "diverged" if some repeat did; "out_of_memory", "failed"
        (the user's code raised) and "refused" (by a `UserError`, such as a batch that
        ghosts do not divide) end the setting: no further repeat will come.
      num_steps: parameter updates of all repeats together.
      num_examples: training examples of all repeats together.
      seconds: of all repeats together.
    """

    scores: Mapping[int, float]
    status: Literal["completed", "diverged", "out_of_memory", "failed", "refused"] = (
        "completed"
    )
    num_steps: int = 0
    num_examples: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise errors.unknown_name("status", self.status, STATUSES)
        bound = float(np.finfo(np.float32).max)
        wrong = [score for score in self.scores.values() if not abs(score) <= bound]
        if wrong:
            remedy = "a diverged repeat takes the worst score, a finite number"
            raise errors.UserError("scores", wrong[0], remedy)
        self._set(
            scores={i: float(np.float32(self.scores[i])) for i in sorted(self.scores)},
            num_steps=errors.check_integer("num_steps", self.num_steps, 0),
            num_examples=errors.check_integer("num_examples", self.num_examples, 0),
            seconds=errors.check_real("seconds", self.seconds, 0.0),
        )

    @property
    def mean(self) -> float | None:
        """Mean score; None if there is none."""
        return float(np.mean([*self.scores.values()])) if self.scores else None

    @property
    def is_final(self) -> bool:
        """Whether no further repeat can be expected."""
        return self.status in ("out_of_memory", "failed", "refused")

    @property
    def steps_per_repeat(self) -> float | None:
        """Parameter updates of one repeat; None if no repeat ended."""
        return self.num_steps / len(self.scores) if self.scores else None

    def missing(self, repeats: Sequence[int]) -> tuple[int, ...]:
        """Returns the repeats that are still to be trained."""
        if self.is_final:
            return ()
        return tuple(repeat for repeat in repeats if repeat not in self.scores)

    def of(self, repeats: Sequence[int]) -> np.ndarray:
        """Returns the [n] scores of the given repeats that exist, in their order."""
        return np.array([self.scores[i] for i in repeats if i in self.scores], float)

    def merged(self, other: "Outcome") -> "Outcome":
        """Returns two outcomes of one setting as one, with the worse status."""
        return Outcome(
            {**self.scores, **other.scores},
            max(self.status, other.status, key=STATUSES.index),
            self.num_steps + other.num_steps,
            self.num_examples + other.num_examples,
            self.seconds + other.seconds,
        )


def standard_error(values: np.ndarray) -> float | None:
    """Returns the standard error of the mean of values; None for fewer than two."""
    if len(values) < 2:
        return None
    return float(statistics.standard_error(values))


def mean_words(scores: np.ndarray, lower_is_better: bool = False) -> str:
    """Returns "0.874 ± 0.002", the mean of the metric with its standard error.

    Args:
      scores: [n >= 1], higher is better.
      lower_is_better: whether they are the metric with its sign reversed.
    """
    mean = float(np.mean(0.0 - scores if lower_is_better else scores))
    return plus_minus(mean, standard_error(scores))


def plus_minus(mean: float, error: float | None) -> str:
    """Returns "0.874 ± 0.002": one digit of the error, two where the first is 1."""
    if error is None:
        return f"{mean:.4g} (one repeat)"
    digits = 3
    if error > 0:
        power = math.floor(math.log10(error))
        digits = min(max((error < 2 * 10**power) - power, 0), 6)
    return f"{mean:.{digits}f} ± {error:.{digits}f}"
