"""Appendix D of Smith & Le (2017), arXiv 1710.06451: how to tune the batch size.

1. Learning rate 1, momentum 0.9: the best batch size on a logarithmic scale; if the
   model performs poorly, the next lower learning rate.
2. Batch size times 5 with (1 - momentum) ~ 1 / B until the validation accuracy begins
   to fall or the hardware's limit is reached.
3. At the final learning rate and momentum, the best batch size on a linear scale around
   the final one.

The rules that the paper leaves open are in `comparison` and `phases`.
"""

import dataclasses

from bsgen import config, errors
from bsgen.tuning import outcomes, phases, plans, procedure, search, settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class AppendixD(procedure.Procedure):
    """The procedure of appendix D.

    Attributes:
      batch_sizes: those of phase 1, see `settings.logarithmic_batch_sizes`; none may be
        above the training set, and those above `max_batch_size` are left out.
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
        fitting = tuple(sorted(size for size in sizes if size <= self.limit))
        if not fitting:
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
            batch_sizes=fitting,
            learning_rates=rates,
            multiples=tuple(sorted(multiples)),
        )

    def _steps(self, state: search.Search) -> plans.Steps[procedure.Choice | None]:
        def scan(rate: float, _: plans.Measured | None) -> plans.Steps[phases.Scan]:
            return self._scan(state, rate)

        start = yield from phases.choose_learning_rate(
            state, self, self.learning_rates, scan
        )
        if start is None:
            return None
        grown = yield from phases.grow_batch(
            state,
            self,
            start.setting,
            self.growth,
            max(self.multiples),
            self.later_repeats,
        )
        return (yield from self._retune(state, grown))

    def _scan(self, state: search.Search, rate: float) -> plans.Steps[phases.Scan]:
        wanted = [
            settings.Setting(size, rate, self.momentum)
            for size in self.batch_sizes
            if state.fits(size)
        ]
        measured = yield from state.measure(wanted, self.first_repeats)
        fitting = [one for one in measured if state.fits(one.setting.batch_size)]
        best = self.best(fitting)
        if best is None:
            return phases.Scan(None, False)
        sizes = [one.setting.batch_size for one in fitting]
        text = (
            f"at learning rate {rate:g} and momentum {self.momentum:g} the best of "
            f"{len(sizes)} batch sizes from {min(sizes)} to {max(sizes)} is "
            f"{best.setting.batch_size}, with {outcomes.mean_words(best.scores)}"
        )
        if best.setting.batch_size == min(sizes) < max(sizes):
            text += "; it is the smallest tried, so a smaller one may be better"
        state.decide(1, text, measured=search.numbers_of(measured))
        return phases.Scan(best, best.setting.batch_size == max(sizes))

    def _retune(
        self, state: search.Search, grown: phases.Grown
    ) -> plans.Steps[procedure.Choice | None]:
        final = grown.setting
        sizes = {max(round(x * final.batch_size), 1) for x in self.multiples}
        wanted = [
            dataclasses.replace(final, batch_size=size)
            for size in sorted(sizes)
            if state.fits(size)
        ]
        measured = yield from state.measure(wanted, self.later_repeats)
        return procedure.end(state, self.best(measured), measured, grown)
