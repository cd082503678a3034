"""Successive halving over batch size and learning rate.

Jamieson & Talwalkar (2016), arXiv 1502.07943 (successive halving); Smith & Le (2017),
arXiv 1710.06451, section 5 (B_opt ~ learning rate: good settings lie along a ridge).

All settings are compared after the same share of a run's budget, first after a
twentieth. A climb in both directions at that price finds the ridge from wherever it
begins; the best settings that it has measured go on to larger shares, fewer at each,
and the last ones to the end, where a race of repeats decides by the paired t test. The
prefix of a run is the same training as the run's, so nothing but its length is
different.

Before the end each setting has one repeat. Two settings whose prefixes differ by the
noise of a seed are both kept, and a second repeat costs as much as a further setting:
on the digits two repeats took more examples and ended no nearer to the best.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

from bsgen import errors
from bsgen.tuning.procedures import (
    climb,
    finals,
    procedure,
    scan,
    search_state,
    settings,
)
from bsgen.tuning.procedures.replay import Measured, Steps
from bsgen.tuning.procedures.search_state import SearchState

_Found = Mapping[settings.Setting, Measured]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Halving(procedure.Procedure):
    """Successive halving around the best setting that a climb finds.

    1. The first share of a run of the first setting and of its four neighbours on a
       grid, batch size and rate; then of the neighbours of the best so far, until all
       four are measured.
    2. The best go on to the next share.
    3. None: the batch does not grow further at the cost of momentum.
    4. A race of whole runs among what is left, and the best against all whole runs.

    Momentum stays as it is.

    Attributes:
      num_epochs: of a whole run; bounds the batch size, as the first share of a run
        takes at least one step.
      first_batch_size: where the climb begins, if it may be tried; Keras' default.
      first_learning_rate: the same; below the rates at which batches of that size
        often diverge, since the climb costs less than a measure of where they do.
      min_batch_size: the smallest to try.
      shares: of a run's budget, rising, below 1.
      num_kept: how many settings go on after each share.
      factor: between neighbouring batch sizes.
      rate_factor: between neighbouring rates; the default is half a decade.
      num_lower_rates: how far below the first rate the grid goes.
      num_higher_rates: how far above it.
    """

    num_epochs: float
    first_batch_size: int = 32
    first_learning_rate: float = 0.32
    min_batch_size: int = 1
    shares: tuple[float, ...] = (0.05, 0.35)
    num_kept: tuple[int, ...] = (8, 4)
    factor: float = 2.0
    rate_factor: float = math.sqrt(10.0)
    num_lower_rates: int = 8
    num_higher_rates: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        shares = tuple(errors.check_real("shares", x, 0.0, 1.0) for x in self.shares)
        if not shares or shares[0] == 0 or list(shares) != sorted({*shares}):
            remedy = "give rising numbers above 0 and below 1"
            raise errors.UserError("shares", self.shares, remedy)
        kept = tuple(errors.check_integer("num_kept", x, 1) for x in self.num_kept)
        if len(kept) != len(shares):
            remedy = f"give one number for each of {len(shares)} shares"
            raise errors.UserError("num_kept", self.num_kept, remedy)
        for name in ("factor", "rate_factor"):
            if errors.check_real(name, getattr(self, name), 1.0) == 1:
                raise errors.UserError(name, 1.0, "give a number above 1")
        for name in ("num_lower_rates", "num_higher_rates"):
            errors.check_integer(name, getattr(self, name), 0)
        errors.check_integer("first_batch_size", self.first_batch_size, 1)
        if errors.check_real("first_learning_rate", self.first_learning_rate, 0.0) == 0:
            raise errors.UserError("first_learning_rate", 0.0, "give a number above 0")
        if errors.check_integer("min_batch_size", self.min_batch_size, 1) > self.limit:
            remedy = (
                f"give at most {self.limit}, the smaller of training set and"
                " max_batch_size"
            )
            raise errors.UserError("min_batch_size", self.min_batch_size, remedy)
        self._set(
            num_epochs=errors.check_real("num_epochs", self.num_epochs, 0.0),
            shares=shares,
            num_kept=kept,
        )
        if self._largest < self.min_batch_size:
            remedy = (
                f"{shares[0]:g} of it, after which settings are compared first, is "
                f"shorter than a step of {self.min_batch_size} of {self.train_size} "
                "examples; give more, or take appendix_d"
            )
            raise errors.UserError("num_epochs", self.num_epochs, remedy)

    @property
    def _largest(self) -> int:
        """The largest batch of which the first share of a run takes a step."""
        # Not below a whole number of examples by rounding.
        examples = math.floor(self.shares[0] * self.num_epochs * self.train_size + 1e-6)
        return min(self.limit, examples)

    def _steps(self, state: SearchState) -> Steps[finals.Choice | None]:
        if self._largest < self.limit:
            state.decide(
                f"no batch above {self._largest} is tried: {self.shares[0]:g} of a run "
                "would be shorter than a step",
                max_batch_size=self._largest,
            )
        state.begin(1, "batch size")
        found = yield from self._climb(state)
        state.begin(2, "survivor")
        for share, kept in zip(self.shares[1:], self.num_kept[:-1], strict=True):
            left = self._ranked(found)[:kept]
            found = yield from self._measure(state, left, share)
            self._tell_shares(state, share, found)
        left = [one for one in self._ranked(found) if state.fits(one.batch_size)]
        state.begin(4, "finalist")
        finalists = left[: self.num_kept[-1]]
        measured = yield from scan.scan(state, finalists, self.first_repeats)
        best = self.best(measured)
        self._tell_race(state, best, measured)
        chosen = yield from finals.choose(state, best, self.final_repeats)
        if chosen is None:
            return None
        start = chosen.setting if best is None else best.setting
        later = self.later_repeats
        return (yield from finals.compare(state, chosen, start, self.own, later))

    def _climb(self, state: SearchState) -> Steps[_Found]:
        """Measures the first share of settings; returns all of them."""
        sizes, place = climb.lattice(
            self.first_batch_size, self.factor, self.min_batch_size, self._largest
        )
        powers = range(-self.num_lower_rates, self.num_higher_rates + 1)
        first = self.first_learning_rate
        rates = [float(f"{first * self.rate_factor**k:.2g}") for k in powers]
        at = place, self.num_lower_rates
        tried: set[settings.Setting] = set()
        found: dict[settings.Setting, Measured] = {}
        while fitting := [i for i, size in enumerate(sizes) if state.fits(size)]:
            at = min(at[0], fitting[-1]), at[1]
            around = [
                settings.Setting(sizes[i], rates[j], self.momentum)
                for i, j in _and_neighbours(*at)
                if i in fitting and 0 <= j < len(rates)
            ]
            new = [one for one in around if one not in tried]
            if not new:
                break
            tried.update(new)
            found.update((yield from self._measure(state, new, self.shares[0])))
            if found:
                leader = self._ranked(found)[0]
                at = sizes.index(leader.batch_size), rates.index(leader.learning_rate)
        self._tell_shares(state, self.shares[0], found)
        return found

    def _measure(
        self, state: SearchState, wanted: Sequence[settings.Setting], share: float
    ) -> Steps[_Found]:
        """Measures a share of one repeat of settings; returns those that ended."""
        prefixes = [
            settings.Prefix(**dataclasses.asdict(one), share=share) for one in wanted
        ]
        measured = yield from state.measure(prefixes, self.first_repeats[:1])
        return {
            setting: one
            for setting, one in zip(wanted, measured, strict=True)
            if one.status == "completed"
        }

    def _ranked(self, found: _Found) -> list[settings.Setting]:
        """Returns settings, the best first.

        What has not trained comes after what has; where all runs diverge, a lower rate
        is the better bet. Of equals, the larger batch.
        """

        def merit(setting: settings.Setting) -> tuple[bool, float, float, int]:
            one = found[setting]
            trained = self.trained(one)
            rate = 0.0 if trained else setting.learning_rate
            return trained, one.mean, -rate, setting.batch_size

        return sorted(found, key=merit, reverse=True)

    def _tell_shares(self, state: SearchState, share: float, found: _Found) -> None:
        ranked = self._ranked(found)
        if not ranked:
            state.decide(f"no setting can be trained for {share:g} of a run")
            return
        best = found[ranked[0]]
        state.decide(
            f"after {share:g} of a run the best of {len(found)} settings is "
            f"{ranked[0].words()}, with {self.words(best.scores)}",
            measured=search_state.numbers_of(found.values()),
        )

    def _tell_race(
        self, state: SearchState, best: Measured | None, measured: Sequence[Measured]
    ) -> None:
        text = "no setting trains in every repeat to the end of its runs"
        if best is not None:
            text = f"the best of {len(measured)} that were trained to the end is "
            text += f"{best.setting.words()}, with {self.words(best.scores)}"
        state.decide(text, measured=search_state.numbers_of(measured))


def _and_neighbours(size: int, rate: int) -> list[tuple[int, int]]:
    """Returns a place and its neighbours: larger batch, lower rate, smaller, higher."""
    steps = (0, 0), (1, 0), (0, -1), (-1, 0), (0, 1)
    return [(size + i, rate + j) for i, j in steps]
