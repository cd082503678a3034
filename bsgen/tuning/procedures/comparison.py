"""The statistical rules of a search: what has trained, what has fallen, what is best.

Smith & Le (2017), arXiv 1710.06451, appendix D, says "performs poorly" and "begins to
fall" without a rule: these are our choice.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

from bsgen import errors
from bsgen.config import checked
from bsgen.tuning.procedures import outcomes
from bsgen.tuning.procedures.replay import Measured

# With fewer repeats Student's t shows next to nothing: from three it takes 2.9 standard
# errors, from two 6.3, and several times that where the level is shared by many tests.
MIN_TESTED = 4


class Difference(NamedTuple):
    """Mean of differences, its standard error and the one-sided p-value of "> 0".

    Without spread (one pair, or all alike) no test is possible: the standard error or
    the p-value is None.
    """

    mean: float
    standard_error: float | None
    p_value: float | None
    num_pairs: int

    def words(self) -> str:
        """Returns "0.012 ± 0.004", without the sign."""
        return outcomes.plus_minus(abs(self.mean), self.standard_error)


@dataclasses.dataclass(frozen=True)
class Rules(checked.Checked):
    """The rules with their three numbers, and how scores are shown.

    Attributes:
      baseline_score: the validation score of the best constant predictor, or for
        another metric that of an untrained model. A repeat that is not above it has
        not trained; the score of a diverged repeat must not be above it.
      level: of the tests, the probability of a false difference.
      tolerance: the difference that matters. Smaller ones do not count where no test is
        possible, and no repeats are spent on them (`is_settled`).
      metric: what is measured, in words.
      lower_is_better: whether the scores are the metric with its sign reversed.
    """

    baseline_score: float
    level: float = 0.05
    tolerance: float = 0.01
    metric: str = "validation accuracy"
    lower_is_better: bool = False

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

    def trained(self, measured: Measured) -> bool:
        """Returns whether every repeat ended above the baseline.

        One diverged or stuck repeat rules a setting out: its spread would hide any
        loss from a test, and nobody wants to depend on the seed.
        """
        return measured.status == "completed" and bool(
            np.all(measured.scores > self.baseline_score)
        )

    def best(self, measured: Sequence[Measured]) -> Measured | None:
        """Returns the best mean of those that trained; of equals, the larger batch.

        None if none trained.
        """
        trained = [one for one in measured if self.trained(one)]
        return max(
            trained, key=lambda one: (one.mean, one.setting.batch_size), default=None
        )

    def is_real(self, difference: Difference, num_tests: int = 1) -> bool:
        """Returns whether a difference is above 0 beyond chance.

        One-sided, at `level` over `num_tests` tests together (Bonferroni's bound, which
        needs no independence); by `tolerance` where no test is possible.
        """
        if difference.p_value is None:
            return difference.mean > self.tolerance
        return difference.p_value <= self.level / num_tests

    def is_worse(
        self, loss: Difference, num_tests: int = 1, is_last: bool = True
    ) -> bool:
        """Returns whether a loss counts.

        A real one does. If no more repeats will come and there are fewer than
        `MIN_TESTED`, one with a mean above `tolerance` does, too: a test that is too
        weak to see a loss does not disprove it. One repeat of several shows nothing.
        """
        if is_last and loss.num_pairs < MIN_TESTED and loss.mean > self.tolerance:
            return True
        return (is_last or loss.num_pairs > 1) and self.is_real(loss, num_tests)

    def is_better(self, gain: Difference, num_tests: int = 1) -> bool:
        """Returns whether a gain at equal evidence is worth a change.

        It is if it is real, or if its mean is above `tolerance`: the better mean is the
        better bet, and either of two equally good settings will do.
        """
        return gain.mean > self.tolerance or self.is_real(gain, num_tests)

    def is_settled(self, best: Measured, other: Measured, num_tests: int = 1) -> bool:
        """Returns whether `other` is known not to beat `best` by `tolerance` or more.

        By the paired t test, one-sided, at `level` over `num_tests` tests together. One
        repeat shows nothing.
        """
        found = loss(best, other, self.tolerance)
        if found.standard_error is None:
            return False
        if found.p_value is None:  # all alike
            return found.mean > 0
        return self.is_real(found, num_tests)

    def beats_baseline(self, measured: Measured) -> bool:
        """Returns whether the mean score is really above the baseline.

        With fewer than `MIN_TESTED` repeats, whether it is above it at all.
        """
        gain = _difference(measured.scores - self.baseline_score)
        return gain.mean > 0 if gain.num_pairs < MIN_TESTED else self.is_real(gain)

    def words(self, scores: np.ndarray) -> str:
        """Returns "0.874 ± 0.002", the metric with its own sign."""
        return outcomes.mean_words(scores, self.lower_is_better)


def loss(reference: Measured, candidate: Measured, margin: float = 0.0) -> Difference:
    """Returns what `candidate` loses against `reference`, paired by repeat.

    Student's paired t test. Both have repeats of one sequence from its start; those
    that only one of them has do not count.

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
    count = len(differences)
    # Scores are float32: a smaller spread is rounding, and its t would be arbitrary.
    resolution = 4 * np.finfo(np.float32).eps * max(1.0, abs(mean))
    if error is None or error * math.sqrt(count) <= resolution:
        return Difference(mean, error, None, count)
    # The distribution function of -t is t's survival function. That of `scipy.stats`
    # takes fifty times as long for a single number.
    p_value = special.stdtr(count - 1, -mean / error)
    return Difference(mean, error, float(p_value), count)


def default_tolerance(baseline_score: float, has_scale: bool) -> float:
    """Returns the difference that matters unless the user says otherwise.

    0.01 of a metric of which more is better, such as an accuracy; of an error or a
    loss, which may have any scale, a hundredth of the baseline's.

    Args:
      baseline_score: of the procedure.
      has_scale: whether it is that of an error or a loss.
    """
    scale = abs(baseline_score) if has_scale else 0.0
    return 0.01 * (scale or 1.0)
