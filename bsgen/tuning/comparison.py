"""The statistical rules of a search: what has trained, what has fallen, what is best.

Smith & Le (2017), arXiv 1710.06451, appendix D, says "performs poorly" and "begins to
fall" without a rule: these are our choice.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from bsgen import errors
from bsgen.config import checked
from bsgen.tuning import outcomes, plans


class Difference(NamedTuple):
    """Mean of differences, its standard error and the one-sided p-value of "> 0".

    Without spread (one repeat, or all alike) no test is possible: the last two are
    None.
    """

    mean: float
    standard_error: float | None
    p_value: float | None


@dataclasses.dataclass(frozen=True)
class Rules(checked.Checked):
    """The rules and their three numbers.

    Attributes:
      baseline_score: the validation score of the best constant predictor, or for
        another metric that of an untrained model. A repeat that is not above it has
        not trained; the score of a diverged repeat must not be above it.
      level: of the tests, the chance of seeing a difference where there is none.
      tolerance: the difference that matters: smaller ones do not count where no test is
        possible, and are not sought (`is_settled`).
    """

    baseline_score: float
    level: float = 0.05
    tolerance: float = 0.01

    def __post_init__(self) -> None:
        largest = float(np.finfo(np.float32).max)
        baseline = errors.check_real("baseline_score", self.baseline_score, -largest)
        level = errors.check_real("level", self.level, 0.0, 0.5)
        if level == 0:
            raise errors.UserError("level", 0.0, "give a number above 0, such as 0.05")
        self._set(
            # In single precision, as the scores that may equal it.
            baseline_score=float(np.float32(baseline)),
            level=level,
            tolerance=errors.check_real("tolerance", self.tolerance, 0.0),
        )

    def trained(self, measured: plans.Measured) -> bool:
        """Returns whether every repeat ended, above the baseline.

        One diverged or stuck repeat rules a setting out: its spread would hide any
        loss from a test, and nobody wants to depend on the seed.
        """
        return measured.status == "completed" and bool(
            np.all(measured.scores > self.baseline_score)
        )

    def best(self, measured: Sequence[plans.Measured]) -> plans.Measured | None:
        """Returns the highest mean of those that trained; of equals, the larger batch.

        None if none trained.
        """
        trained = [one for one in measured if self.trained(one)]
        return max(
            trained, key=lambda one: (one.mean, one.setting.batch_size), default=None
        )

    def is_real(self, difference: Difference, num_tests: int = 1) -> bool:
        """Returns whether a difference is above 0 beyond chance.

        One-sided, at `level` over all of `num_tests` tests together (Bonferroni's
        bound, which needs no independence); by `tolerance` where no test is possible.
        """
        if difference.p_value is None:
            return difference.mean > self.tolerance
        return difference.p_value <= self.level / num_tests

    def is_settled(
        self, best: plans.Measured, other: plans.Measured, num_tests: int = 1
    ) -> bool:
        """Returns whether `other` is known not to beat `best` by `tolerance` or more.

        By the paired t test, one-sided, at `level` over all of `num_tests` tests
        together. From one repeat nothing is known.
        """
        found = loss(best, other, self.tolerance)
        if found.standard_error is None:
            return False
        if found.p_value is None:  # all alike
            return found.mean > 0
        return self.is_real(found, num_tests)

    def beats_baseline(self, measured: plans.Measured) -> bool:
        """Returns whether the mean score is really above the baseline."""
        return self.is_real(_difference(measured.scores - self.baseline_score))


def loss(
    reference: plans.Measured, candidate: plans.Measured, margin: float = 0.0
) -> Difference:
    """Returns what `candidate` loses against `reference`, paired by repeat.

    Student's paired t test. Both were asked for repeats of one sequence from its start;
    those that only one of them got do not count.

    Args:
      reference: with [n >= 1] scores.
      candidate: with [m >= 1] scores.
      margin: added to the loss.
    """
    count = min(len(reference.scores), len(candidate.scores))
    losses = reference.scores[:count] - candidate.scores[:count]
    return _difference(losses + margin)


def _difference(differences: np.ndarray) -> Difference:
    mean = float(np.mean(differences))
    error = outcomes.standard_error(differences)
    # Scores are float32: a smaller spread is rounding, and its t would be arbitrary.
    resolution = 4 * np.finfo(np.float32).eps * max(1.0, abs(mean))
    if error is None or error * math.sqrt(len(differences)) <= resolution:
        return Difference(mean, error, None)
    p_value = stats.t.sf(mean / error, len(differences) - 1)
    return Difference(mean, error, float(p_value))
