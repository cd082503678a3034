"""Appendix D of Smith & Le (2017), arXiv 1710.06451: how to tune the batch size.

1. Learning rate 1, momentum 0.9: the best batch size on a logarithmic scale; if the
   model performs poorly, which shows beside the next lower learning rate, that one.
2. Batch size times 5 with (1 - momentum) ~ 1 / B until the validation accuracy begins
   to fall or the hardware's limit is reached.
3. At the final learning rate and momentum, the best batch size on a linear scale around
   the final one.

Beyond the paper, the best of phase 3 then competes with all that was measured. The
rules that the paper leaves open are in `comparison`, `scan`, `phases` and `finals`.
"""

import dataclasses
import math
from collections.abc import Sequence

from bsgen import config, errors
from bsgen.tuning.procedures import (
    climb,
    finals,
    phases,
    procedure,
    scan,
    search_state,
    settings,
)
from bsgen.tuning.procedures.replay import Measured, Steps
from bsgen.tuning.procedures.search_state import SearchState


@dataclasses.dataclass(frozen=True, kw_only=True)
class AppendixD(procedure.Procedure):
    """The procedure of appendix D.

    Attributes:
      batch_sizes: of phase 1, see `settings.logarithmic_batch_sizes`. None may be above
        the training set; those above `max_batch_size` are left out, with a decision
        that says so.
      learning_rates: tried in this order, falling; the paper has 1 and 0.1.
      multiples: of the batch size in phase 3, 1 among them; our choice, as the paper
        says "in the local neighborhood". Half to double covers the gaps of a
        logarithmic scale of ratio 2.
    """

    batch_sizes: tuple[int, ...]
    learning_rates: tuple[float, ...] = (1.0, 0.1, 0.01)
    multiples: tuple[float, ...] = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        sizes = {errors.check_integer("batch_sizes", b, 1) for b in self.batch_sizes}
        if sizes and max(sizes) > self.train_size:
            remedy = f"give at most the training set, train_size={self.train_size}"
            raise errors.UserError("batch_sizes", self.batch_sizes, remedy)
        if min(sizes, default=self.limit + 1) > self.limit:
            remedy = (
                f"give a batch size of at most {self.limit}, the smaller of training"
                " set and max_batch_size"
            )
            raise errors.UserError("batch_sizes", self.batch_sizes, remedy)
        rates = config.check_falling_rates("learning_rates", self.learning_rates)
        multiples = {errors.check_real("multiples", x, 0.0) for x in self.multiples}
        if 1 not in multiples or 0 in multiples:
            remedy = "give numbers above 0, 1 among them"
            raise errors.UserError("multiples", self.multiples, remedy)
        self._set(
            batch_sizes=tuple(sorted(sizes)),
            learning_rates=rates,
            multiples=tuple(sorted(multiples)),
        )

    def _steps(self, state: SearchState) -> Steps[finals.Choice | None]:
        self._announce(state)
        state.begin(1, "batch size")

        start = yield from phases.choose_learning_rate(
            state, self.learning_rates, self.first_repeats, self._scan
        )
        if start is None:
            return None
        state.begin(2, "larger batch")
        grown = yield from phases.grow_batch(
            state, start.setting, self.growth, max(self.multiples), self.later_repeats
        )
        state.begin(3, "neighbour")
        best = yield from self._retune(state, grown.setting)
        return (yield from self._end(state, best, grown))

    def _announce(self, state: SearchState) -> None:
        """Says which batch sizes will be tried, and which are left out."""
        fitting = [size for size in self.batch_sizes if size <= self.limit]
        least = max(round(min(self.multiples) * min(fitting)), 1)
        text = (
            f"phase 1 tries {_listed(fitting)}; phase 2 multiplies the best by "
            f"{self.growth:g}, with more momentum, while that loses nothing; phase 3 "
            "tries others near the last; all of "
            f"at least {least} and at most {self.limit}, "
            + ("as max_batch_size says" if self.max_batch_size else "the training set")
        )
        left_out = self.batch_sizes[len(fitting) :]
        if left_out:
            text += f"; left out as larger than that: {_listed(left_out)}"
        state.decide(text, batch_sizes=fitting, left_out=list(left_out))

    def _scan(
        self, state: SearchState, rate: float, rival: Measured | None
    ) -> Steps[Measured | None]:
        """Scans all batch sizes, or climbs to the best if a higher rate has a best.

        The climb begins where B_opt ~ learning rate says.
        """
        candidates = [
            settings.Setting(size, rate, self.momentum)
            for size in self.batch_sizes
            if state.fits(size)
        ]
        repeats = self.first_repeats
        if rival is None:
            measured = yield from scan.scan(state, candidates, repeats)
            complete = [one for one in measured if len(one.scores) == self.num_repeats]
            best = self.best(complete)
        else:
            ratio = rate / rival.setting.learning_rate
            centre = math.log(rival.setting.batch_size * ratio)
            sizes = [one.batch_size for one in candidates]
            distances = [abs(math.log(size) - centre) for size in sizes]
            place = distances.index(min(distances))
            few = scan.first_look(self.num_repeats)
            top = yield from climb.climb(
                state, candidates, place, repeats, few, rival=rival
            )
            best, measured = top.best, top.measured
        if best is None:
            return None
        self._tell_scan(state, best, measured)
        return best

    def _tell_scan(
        self, state: SearchState, best: Measured, measured: Sequence[Measured]
    ) -> None:
        size, rate = best.setting.batch_size, best.setting.learning_rate
        tried = [one.setting.batch_size for one in measured]
        text = (
            f"at learning rate {rate:g} and momentum {self.momentum:g} "
            f"{search_state.best_of(size, tried)}, with {self.words(best.scores)}"
        )
        if size == min(self.batch_sizes) < max(self.batch_sizes):
            text += "; it is the smallest allowed, so a smaller one may be better"
        state.decide(text, measured=search_state.numbers_of(measured))

    def _retune(
        self, state: SearchState, final: settings.Setting
    ) -> Steps[Measured | None]:
        sizes = {max(round(x * final.batch_size), 1) for x in self.multiples}
        wanted = [
            dataclasses.replace(final, batch_size=size)
            for size in sorted(sizes)
            if state.fits(size)
        ]
        measured = yield from state.measure(wanted, self.later_repeats)
        best = self.best(measured)
        self._tell_best(state, best, measured)
        return best


def _listed(sizes: Sequence[int]) -> str:
    """Returns "batch sizes 8, 16 and 32"."""
    *most, last = map(str, sizes)
    return f"batch sizes {', '.join(most)} and {last}" if most else f"batch size {last}"
