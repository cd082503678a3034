"""What all tuning procedures share: their numbers, and the review of the results."""

import abc
import dataclasses
from collections.abc import Sequence

import numpy as np

from bsgen import errors
from bsgen.tuning.procedures import (
    comparison,
    finals,
    phases,
    recommend,
    recommendations,
    replay,
    search_state,
    settings,
)
from bsgen.tuning.procedures.replay import Measured, Steps
from bsgen.tuning.procedures.search_state import SearchState


@dataclasses.dataclass(frozen=True)
class Review:
    """What a procedure makes of the results so far.

    Attributes:
      wanted: what to train now, in any order or at once; empty at the end.
      decisions: the decisions so far, in order.
      recommendation: None before the end, and if nothing can be recommended.
      asked: all requests so far, in order, whether they have results or not.
    """

    wanted: tuple[settings.Request, ...]
    decisions: tuple[replay.Decision, ...]
    recommendation: recommendations.Recommendation | None
    asked: tuple[settings.Request, ...]

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to train."""
        return not self.wanted


@dataclasses.dataclass(frozen=True, kw_only=True)
class Procedure(comparison.Rules, abc.ABC):
    """A tuning procedure: numbers, and a pure function of the results so far.

    Attributes:
      train_size: N, examples to train on.
      momentum: m of phase 1.
      growth: factor of the batch size in phase 2; above 1.
      max_batch_size: the hardware's limit; the training set if None, or if smaller.
      num_repeats: repeats n of a setting: 0 to n - 1 in phase 1, n to 2n - 1 later.
        With fewer than `comparison.MIN_TESTED`, `tolerance` decides.
      own: the user's own optimizer, measured beside the search; None without one.
    """

    train_size: int
    momentum: float = 0.9
    growth: float = 5.0
    max_batch_size: int | None = None
    num_repeats: int = 5
    own: settings.AsCompiled | None = None

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

    @property
    def final_repeats(self) -> tuple[int, ...]:
        """The repeats of finalists: all of them, and enough for a test."""
        return tuple(range(max(2 * self.num_repeats, comparison.MIN_TESTED)))

    def review(self, results: replay.Results) -> Review:
        """Returns what to train next and why, from nothing but the results so far.

        Args:
          results: the outcome of each setting trained so far, with all its repeats.
        """
        state = SearchState(self.limit, self)
        wanted, choice = replay.replay(self._all_steps(state), results)
        recommended = None if choice is None else self._recommend(choice, results)
        return Review(wanted, tuple(state.decisions), recommended, tuple(state.asked))

    @abc.abstractmethod
    def _steps(self, state: SearchState) -> Steps[finals.Choice | None]:
        """Runs the procedure; see `replay`."""

    def _all_steps(self, state: SearchState) -> Steps[finals.Choice | None]:
        if self.num_repeats < comparison.MIN_TESTED:
            state.decide(
                f"too few repeats a setting for a test ({self.num_repeats}, it takes "
                f"{comparison.MIN_TESTED}): a mean that is better by "
                f"{self.tolerance:.3g} counts as better, and what may be the best at "
                f"the end is trained {len(self.final_repeats)} times",
                num_repeats=self.num_repeats,
            )
        if self.own is not None:
            yield from self._measure_own(state, self.own)
        return (yield from self._steps(state))

    def _measure_own(self, state: SearchState, own: settings.AsCompiled) -> Steps[None]:
        state.decide(
            f"the search trains with Momentum in place of your own {own.optimizer}, "
            f"which is measured beside it at batch size {own.batch_size}",
            **dataclasses.asdict(own),
        )
        wanted = state.measure([own], self.first_repeats, "own optimizer")
        (found,) = yield from wanted
        if found.status != "completed":
            text = recommendations.REASONS[found.status]
        elif self.trained(found):
            text = f"reaches {self.metric} {self.words(found.scores)}"
        else:
            number = int(np.sum(found.scores <= self.baseline_score))
            text = f"does not train in {number} of {len(found.scores)} repeats: it "
            text += "diverges, or is no better than what is to beat"
        text = f"{own.words()} {text}"
        state.decide(text, baseline=search_state.numbers_of([found])[0])

    def _tell_best(
        self, state: SearchState, best: Measured | None, measured: Sequence[Measured]
    ) -> None:
        """Says which of those measured around the final batch size is the best."""
        numbers = search_state.numbers_of(measured)
        if best is None:
            text = "no batch size around the final one trains in every repeat"
            state.decide(text, measured=numbers)
            return
        size = best.setting.batch_size
        sizes = [one.setting.batch_size for one in measured]
        text = f"{search_state.best_of(size, sizes)}, with {self.words(best.scores)}"
        if size in (min(sizes), max(sizes)) and len(sizes) > 1:
            text += "; it is at the edge of those tried"
        state.decide(text, measured=numbers)

    def _end(
        self, state: SearchState, best: Measured | None, grown: phases.Grown
    ) -> Steps[finals.Choice | None]:
        """Lets the best of phase 3 compete with all that was measured."""
        state.begin(4, "finalist")
        chosen = yield from finals.choose(state, best, self.final_repeats)
        if chosen is None:
            return None
        start = grown.start.setting
        later = self.later_repeats
        return (yield from finals.compare(state, chosen, start, self.own, later))

    def _recommend(
        self, choice: finals.Choice, results: replay.Results
    ) -> recommendations.Recommendation:
        return recommend.from_choice(choice, results, self)
