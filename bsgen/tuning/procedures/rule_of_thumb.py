"""The rule of thumb: train at the boundary between noise and curvature.

Smith, Elsen & De (2020), arXiv 2006.15081, section 8: to parallelise over large
batches, train near the boundary between the noise and the curvature dominated regime,
whose place "one can estimate by first running a cheap sweep over a few epochs to
identify the largest stable learning rate, before scaling the batch size accordingly".

What the sentence leaves open is our choice. The largest stable rate is looked for at a
large batch, where noise does not hide what curvature allows; the batch is scaled from a
small one, whose best rate is found in as few epochs, or is known. Rates are tried one
after the other, by factors of two, so that few are.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from bsgen import errors, theory
from bsgen.tuning.procedures import comparison, replay, search_state, settings
from bsgen.tuning.procedures.replay import Measured, Steps

_MOST = 20  # doublings or halvings of the first rate: a factor of a million
_POWERS = {"linear": 1.0, "sqrt": 0.5}


@dataclasses.dataclass(frozen=True)
class Boundary:
    """What the rule of thumb recommends.

    Attributes:
      setting: to train with.
      best: the small batch with its best learning rate.
      largest: the large batch with its largest stable learning rate.
      batch_size: the one from which on curvature bounds the rate; that of `setting`,
        unless it is out of reach.
      scaling: how the rate grows with the batch size up to there.
      num_runs: trained.
      num_examples: trained on, in all runs together.
    """

    setting: settings.Setting
    best: settings.Setting
    largest: settings.Setting
    batch_size: int
    scaling: str
    num_runs: int
    num_examples: int

    def words(self) -> str:
        """Returns what to do, and why, in a few sentences."""
        factor = self.largest.learning_rate / self.best.learning_rate
        law = "in proportion to" if self.scaling == "linear" else "as the root of"
        if factor <= 1:
            why = (
                "Curvature bounds the rate at that batch size already: in equal epochs "
                "larger batches lose accuracy, and smaller ones may gain some"
            )
        elif self.setting.batch_size < self.batch_size:
            why = (
                f"The rate can grow {law} the batch size up to {self.batch_size:,}, "
                f"beyond the largest allowed, {self.setting.batch_size:,}"
            )
        else:
            why = (
                f"The rate can grow {law} the batch size up to {self.batch_size:,}; "
                "in equal epochs smaller batches are no better, and larger ones lose "
                "accuracy, as curvature keeps their rate from growing"
            )
        return (
            f"recommended: {self.setting.words()}. At batch size "
            f"{self.best.batch_size:,} the best learning rate is "
            f"{self.best.learning_rate:g}; the largest that is stable, at batch size "
            f"{self.largest.batch_size:,}, is {self.largest.learning_rate:g}, "
            f"{factor:g} times as large. {why}. This took {self.num_runs:,} runs over "
            f"{self.num_examples:,} examples; few epochs may miss what full training "
            "shows, so try half of the rate, too."
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the recommendation as JSON's types, its words included."""
        return {**dataclasses.asdict(self), "words": self.words()}


@dataclasses.dataclass(frozen=True)
class Review:
    """What the procedure makes of the results so far.

    Attributes:
      wanted: what to train now; empty at the end.
      decisions: so far, in order.
      boundary: None before the end, and if no learning rate trains.
      asked: all requests so far.
    """

    wanted: replay.Requests
    decisions: tuple[replay.Decision, ...]
    boundary: Boundary | None
    asked: replay.Requests


@dataclasses.dataclass(frozen=True, kw_only=True)
class RuleOfThumb(comparison.Rules):
    """The procedure: numbers, and a pure function of the results so far.

    Attributes:
      batch_size: a small one, dominated by noise.
      large_batch_size: at which stability is tested; larger than the small one.
      max_batch_size: the largest that may be recommended.
      momentum: m of all runs.
      learning_rate: the first tried; the others are it times powers of two.
      tuned_learning_rate: the best at the small batch, where it is known.
      scaling: how the rate grows with the batch size under noise: "linear", or "sqrt"
        where the paper finds that, as in an LSTM.
      num_repeats: runs of a setting. A rate is stable if all of them are.
    """

    batch_size: int
    large_batch_size: int
    max_batch_size: int
    momentum: float = 0.9
    learning_rate: float = 0.125
    tuned_learning_rate: float | None = None
    scaling: str = "linear"
    num_repeats: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        small = errors.check_integer("batch_size", self.batch_size, 1)
        for name in ("large_batch_size", "max_batch_size"):
            errors.check_integer(name, getattr(self, name), 1)
        if self.large_batch_size <= small:
            remedy = f"give more than batch_size={small}, where noise dominates"
            raise errors.UserError("large_batch_size", self.large_batch_size, remedy)
        if self.max_batch_size < small:
            remedy = f"give at least batch_size={small}"
            raise errors.UserError("max_batch_size", self.max_batch_size, remedy)
        if self.scaling not in _POWERS:
            raise errors.unknown_name("scaling", self.scaling, _POWERS)
        errors.check_integer("num_repeats", self.num_repeats, 1)
        for rate in (self.learning_rate, self.tuned_learning_rate):
            if rate is not None:
                settings.Setting(small, rate, self.momentum)  # refuses what is none

    def review(
        self, results: replay.Results, repeats: Sequence[int] | None = None
    ) -> Review:
        """Returns what to train next and why, from nothing but the results so far.

        Args:
          results: the outcome of each setting so far.
          repeats: numbers of the runs of each; None for 0 to `num_repeats` - 1.
        """
        state = search_state.SearchState(self.max_batch_size, self)
        numbers = range(self.num_repeats) if repeats is None else repeats
        steps = self._steps(state, tuple(numbers))
        wanted, found = replay.replay(steps, results)
        boundary = None
        if found is not None:
            boundary = self._boundary(*found, state.asked, results)
        return Review(wanted, tuple(state.decisions), boundary, tuple(state.asked))

    def _steps(
        self, state: search_state.SearchState, repeats: tuple[int, ...]
    ) -> Steps[tuple[float, float] | None]:
        """Finds the best rate of the small batch, and the largest stable one."""
        state.phase = 1
        largest = yield from self._largest_stable(state, repeats)
        if largest is None:
            return None
        if self.tuned_learning_rate is not None:
            return self.tuned_learning_rate, self._rate(largest)
        state.phase = 2
        best = yield from self._best(state, repeats, largest)
        return None if best is None else (self._rate(best), self._rate(largest))

    def _largest_stable(
        self, state: search_state.SearchState, repeats: tuple[int, ...]
    ) -> Steps[int | None]:
        """Returns the largest power of two, times the first rate, that is stable."""
        tried: dict[int, Measured] = {}
        stable: list[int] = []
        power = 0
        while power not in tried and abs(power) <= _MOST:
            setting = self._setting(self.large_batch_size, power)
            (tried[power],) = yield from state.measure([setting], repeats)
            stable = self._stable(tried)
            # Until one is found, those nearest to the first rate, on both sides of it.
            further = -power if power > 0 else 1 - power
            power = max(stable) + 1 if stable else further
        numbers = search_state.numbers_of(tried.values())
        size = f"at batch size {self.large_batch_size:,}"
        if not stable:
            state.decide(f"{size} no learning rate trains in every run", tried=numbers)
            return None
        rate = self._rate(max(stable))
        state.decide(
            f"{size} the largest stable learning rate is {rate:g}", tried=numbers
        )
        return max(stable)

    def _best(
        self, state: search_state.SearchState, repeats: tuple[int, ...], largest: int
    ) -> Steps[int | None]:
        """Returns the power of two of the small batch's best rate.

        Small batches take many rates equally well. Of those that lose no more than one
        standard error against the best mean, the largest is taken: the batch scaled
        from it is the smallest, which loses no accuracy if the others are right, too.
        """
        tried: dict[int, Measured] = {}
        good: list[int] = []
        wanted = {min(0, largest)}
        while wanted:
            new = sorted(wanted)
            each = [self._setting(self.batch_size, power) for power in new]
            measured = yield from state.measure(each, repeats)
            tried.update(zip(new, measured, strict=True))
            best, good = self._as_good_as_best(tried)
            around = {best - 1, best + 1, max(good, default=best) + 1}
            wanted = {k for k in around - set(tried) if -_MOST <= k <= largest}
        numbers = search_state.numbers_of(tried.values())
        size = f"at batch size {self.batch_size:,}"
        if not good:
            state.decide(f"{size} no learning rate trains in every run", tried=numbers)
            return None
        chosen = tried[max(good)]
        score = f"{self.metric} {self.words(chosen.scores)}"
        rate = self._rate(max(good))
        alike = f" (of {len(good)} that are as good, the largest)" * (len(good) > 1)
        text = f"{size} the best learning rate is {rate:g}{alike}, with {score}"
        state.decide(text, tried=numbers)
        return max(good)

    def _as_good_as_best(self, tried: dict[int, Measured]) -> tuple[int, list[int]]:
        """Returns the power of the best mean, and those that are as good."""
        ended = [power for power, each in tried.items() if len(each.scores)]
        best = max(ended, key=lambda power: (tried[power].mean, power), default=0)
        good = []
        for power in filter(lambda k: self.trained(tried[k]), ended):
            lost = comparison.loss(tried[best], tried[power])
            if lost.mean <= (lost.standard_error or 0.0):
                good.append(power)
        return best, good

    def _stable(self, tried: dict[int, Measured]) -> list[int]:
        """Returns the powers at which no run breaks down.

        It does if its score is below the middle between what is to beat and the best
        mean of all rates.
        """
        means = [each.mean for each in tried.values() if self.trained(each)]
        middle = (self.baseline_score + max(means, default=np.inf)) / 2
        return [
            power
            for power, each in tried.items()
            if self.trained(each) and each.scores.min() > middle
        ]

    def _rate(self, power: int) -> float:
        return self.learning_rate * 2.0**power

    def _setting(self, batch_size: int, power: int) -> settings.Setting:
        return settings.Setting(batch_size, self._rate(power), self.momentum)

    def _boundary(
        self,
        best: float,
        largest: float,
        asked: Sequence[settings.Request],
        results: replay.Results,
    ) -> Boundary:
        factor = max(largest / best, 1.0) ** (1 / _POWERS[self.scaling])
        batch_size = round(self.batch_size * factor)
        within = min(batch_size, self.max_batch_size)
        rate = theory.scale_learning_rate(best, self.batch_size, within, self.scaling)
        trained = {request.setting for request in asked}
        return Boundary(
            settings.Setting(within, float(rate), self.momentum),
            settings.Setting(self.batch_size, best, self.momentum),
            settings.Setting(self.large_batch_size, largest, self.momentum),
            batch_size,
            self.scaling,
            sum(len(results[one].scores) for one in trained),
            sum(results[one].num_examples for one in trained),
        )
