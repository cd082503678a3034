"""What all tuning procedures share: their numbers, and a plan from the results."""

import abc
import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from bsgen import errors
from bsgen.tuning import (
    comparison,
    outcomes,
    phases,
    plans,
    recommendations,
    search,
)


class Choice(NamedTuple):
    """How a procedure ends: its choice, phase 1's and the next larger batch tried.

    All were trained with repeats of one sequence from its start, the first two with all
    of it.
    """

    chosen: plans.Measured
    start: plans.Measured
    next_larger: plans.Measured | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Procedure(comparison.Rules, abc.ABC):
    """A tuning procedure: numbers, and a pure function of the results so far.

    Attributes:
      train_size: N, examples to train on.
      momentum: m of phase 1.
      growth: factor of the batch size in phase 2; above 1.
      max_batch_size: what the hardware takes; the training set if None, or if smaller.
      num_repeats: repeats a setting: 0 to n - 1 in phase 1, n to 2n - 1 later. With
        one, no test is possible and `tolerance` decides.
      metric: what the score is called in words.
    """

    train_size: int
    momentum: float = 0.9
    growth: float = 5.0
    max_batch_size: int | None = None
    num_repeats: int = 5
    metric: str = "validation accuracy"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(
            train_size=errors.check_integer("train_size", self.train_size, 1),
            momentum=errors.check_real("momentum", self.momentum, 0.0, 1.0),
            growth=errors.check_real("growth", self.growth, 1.0),
            num_repeats=errors.check_integer("num_repeats", self.num_repeats, 1),
        )
        if self.growth == 1:
            raise errors.UserError("growth", self.growth, "give a number above 1")
        if self.max_batch_size is not None:
            errors.check_integer("max_batch_size", self.max_batch_size, 1)

    @property
    def limit(self) -> int:
        """The largest batch size allowed."""
        return min(self.train_size, self.max_batch_size or self.train_size)

    @property
    def first_repeats(self) -> tuple[int, ...]:
        """The repeats of phase 1."""
        return tuple(range(self.num_repeats))

    @property
    def later_repeats(self) -> tuple[int, ...]:
        """The repeats of the phases after it."""
        return tuple(range(self.num_repeats, 2 * self.num_repeats))

    def plan(self, results: plans.Results) -> plans.Plan:
        """Returns what to train next and why, from nothing but the results so far.

        Args:
          results: the outcome of each setting trained so far, with all its repeats.
        """
        state = search.Search(self.limit)
        wanted, choice = plans.replay(self._steps(state), results)
        recommended = None
        if choice is not None:
            recommended = self._recommend(choice, results)
        return plans.Plan(wanted, tuple(state.decisions), recommended)

    @abc.abstractmethod
    def _steps(self, state: search.Search) -> plans.Steps[Choice | None]:
        """Runs the procedure; see `plans`."""

    def _recommend(
        self, choice: Choice, results: plans.Results
    ) -> recommendations.Recommendation:
        lost = None
        if self.trained(choice.start):
            lost = comparison.loss(choice.start, choice.chosen)
        before = results[choice.start.setting].steps_per_repeat
        after = results[choice.chosen.setting].steps_per_repeat
        return recommendations.Recommendation(
            setting=choice.chosen.setting,
            score=choice.chosen.mean,
            standard_error=outcomes.standard_error(choice.chosen.scores),
            num_repeats=len(choice.chosen.scores),
            next_larger=self._next_larger(choice),
            start=choice.start.setting,
            loss=lost.mean if lost else None,
            loss_standard_error=lost.standard_error if lost else None,
            update_factor=before / after if before and after else None,
            num_steps=sum(one.num_steps for one in results.values()),
            num_examples=sum(one.num_examples for one in results.values()),
            seconds=sum(one.seconds for one in results.values()),
            num_runs=sum(len(one.scores) for one in results.values()),
            metric=self.metric,
        )

    def _next_larger(self, choice: Choice) -> recommendations.NextLarger | None:
        larger = choice.next_larger
        if larger is None:
            return None
        status = larger.status
        if status != "completed":
            return recommendations.NextLarger(larger.setting, status, None, None)
        if not self.trained(larger):
            status = "untrained"
        lost = comparison.loss(choice.chosen, larger)
        return recommendations.NextLarger(
            larger.setting, status, lost.mean, lost.standard_error
        )


def end(
    state: search.Search,
    best: plans.Measured | None,
    measured: Sequence[plans.Measured],
    grown: phases.Grown,
) -> Choice | None:
    """Phase 3's decision: the best of those measured around the final batch size.

    Args:
      state: where the decision goes.
      best: of `measured`; None if none trained.
      measured: all at the final learning rate and momentum.
      grown: the end of phase 2; its fallen setting is the next larger where none of
        `measured` is larger than the best.

    Returns:
      The choice, if there is one.
    """
    numbers = search.numbers_of(measured)
    if best is None:
        text = "no batch size around the final one trains in every repeat"
        state.decide(3, f"{text}: nothing can be recommended", measured=numbers)
        return None
    size = best.setting.batch_size
    sizes = [one.setting.batch_size for one in measured]
    text = (
        f"the best of {len(sizes)} batch sizes from {min(sizes)} to {max(sizes)} is "
        f"{size}, with {outcomes.mean_words(best.scores)}"
    )
    if size in (min(sizes), max(sizes)) and len(sizes) > 1:
        text += "; it is at the edge of those tried"
    state.decide(3, text, measured=numbers)
    larger = [one for one in measured if one.setting.batch_size > size]
    if grown.fallen is not None:
        larger.append(grown.fallen)
    by_size = min(larger, key=lambda one: one.setting.batch_size, default=None)
    return Choice(best, grown.start, by_size)
