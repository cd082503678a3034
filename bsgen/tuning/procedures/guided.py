"""Appendix D guided by theory, from a measured noise scale and critical rate.

Smith & Le (2017), arXiv 1710.06451, appendix D and eq. 26 (B_opt ~ learning_rate N /
(1 - momentum)); McCandlish, Kaplan & Amodei (2018), arXiv 1812.06162 (the simple noise
scale tr(Sigma) / |G|^2, and the best rate at a batch size,
learning_rate(B) = max_rate / (1 + noise_scale / B)).

Solved for B, the latter is B = noise_scale learning_rate / (max_rate - learning_rate),
where we take the critical learning rate for max_rate: our choice. McCandlish et al.
maximize the progress of one step, not validation accuracy, and the noise scale grows in
training. So the prediction is only a starting point, and the search climbs away from it
where it is wrong.
"""

import dataclasses

from bsgen import errors
from bsgen.tuning.procedures import (
    climb,
    finals,
    phases,
    procedure,
    recommendations,
    replay,
    search_state,
    settings,
)
from bsgen.tuning.procedures.replay import Measured, Steps
from bsgen.tuning.procedures.search_state import SearchState


@dataclasses.dataclass(frozen=True, kw_only=True)
class Guided(procedure.Procedure):
    """The theory-guided variant of appendix D.

    1. Learning rate min(1, `share` of the critical one), and a climb from the predicted
       batch size. Then a tenth of the rate, from a tenth of the batch size (B_opt ~
       learning rate), as long as that is better.
    2. As in appendix D, but a larger batch is judged after one repeat, after half of
       them and after all, and dropped as soon as it does not train or its score falls.
    3. By B_opt ~ 1 / (1 - momentum) the final batch size is the best one: a climb from
       it in steps of sqrt(`factor`).
    4. The assumptions against what was found, and the best against all that was
       measured.

    A climb is a race (`climb.climb`): a setting gets more repeats only as long as it
    may be better than the best by `tolerance`. What is recommended has all repeats.

    Attributes:
      noise_scale: tr(Sigma) / |G|^2 of a gradient, in examples; above 0.
      noise_scale_error: its standard error.
      critical_learning_rate: at `momentum`, e.g. 2 (1 + m) / largest eigenvalue.
      share: of the critical rate, which falls as curvature grows in training; below
        0.9, our choice.
      factor: between neighbours in phase 1.
      min_batch_size: the smallest to try.
      few_repeats: of the first pass of a climb; at most `num_repeats`. One repeat shows
        where the peak is wherever that matters.
      num_rates: how many learning rates may be tried, each a tenth of the last one.
      measurement: how the numbers were measured, in words.
      measuring_steps: parameter updates of the measurement, part of the search's cost.
      measuring_examples: its examples.
    """

    noise_scale: float
    noise_scale_error: float
    critical_learning_rate: float
    share: float = 0.25
    factor: float = 2.0
    min_batch_size: int = 1
    few_repeats: int = 1
    num_rates: int = 3
    measurement: str = ""
    measuring_steps: int = 0
    measuring_examples: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("noise_scale", "critical_learning_rate", "share"):
            if errors.check_real(name, getattr(self, name), 0.0) == 0:
                raise errors.UserError(name, 0.0, "give a number above 0")
        errors.check_real("noise_scale_error", self.noise_scale_error, 0.0)
        errors.check_real("share", self.share, 0.0, 0.9)
        if errors.check_real("factor", self.factor, 1.0) == 1:
            raise errors.UserError("factor", self.factor, "give a number above 1")
        errors.check_integer("num_rates", self.num_rates, 1)
        for name in ("measuring_steps", "measuring_examples"):
            errors.check_integer(name, getattr(self, name), 0)
        if errors.check_integer("min_batch_size", self.min_batch_size, 1) > self.limit:
            remedy = (
                f"give at most {self.limit}, the smaller of training set and"
                " max_batch_size"
            )
            raise errors.UserError("min_batch_size", self.min_batch_size, remedy)
        few = errors.check_integer("few_repeats", self.few_repeats, 1)
        self._set(few_repeats=min(few, self.num_repeats))

    @property
    def learning_rates(self) -> tuple[float, ...]:
        """The learning rates that may be tried, falling, to two digits."""
        first = min(1.0, float(f"{self.share * self.critical_learning_rate:.2g}"))
        return tuple(float(f"{first / 10**i:.2g}") for i in range(self.num_rates))

    def predicted_batch_size(self, learning_rate: float) -> float:
        """Returns noise_scale * rate / (critical rate - rate), not rounded.

        Proportional to the noise scale and, far below the critical rate, to the rate.
        """
        rest = self.critical_learning_rate - learning_rate
        return self.noise_scale * learning_rate / rest

    def _steps(self, state: SearchState) -> Steps[finals.Choice | None]:
        self._tell_assumptions(state)
        state.begin(1, "batch size")
        start = yield from phases.choose_learning_rate(
            state, self.learning_rates, self.first_repeats, self._scan
        )
        if start is None:
            return None
        state.begin(2, "larger batch")
        grown = yield from phases.grow_batch(
            state,
            start.setting,
            self.growth,
            self.factor,
            self.later_repeats,
            looks=(1, (self.num_repeats + 1) // 2),
        )
        state.begin(3, "neighbour")
        final = grown.setting
        top = yield from self._climb(
            state,
            final,
            final.batch_size,
            self.factor**0.5,
            self.later_repeats,
            complete=True,
        )
        self._tell_best(state, top.best, top.measured)
        state.begin(4, "finalist")
        if top.best is not None:
            self._check(state, start.setting, top.best.setting)
        return (yield from self._end(state, top.best, grown))

    def _scan(
        self, state: SearchState, rate: float, higher: Measured | None
    ) -> Steps[Measured | None]:
        centre = self.predicted_batch_size(rate)
        if higher is not None:
            ratio = rate / higher.setting.learning_rate
            centre = higher.setting.batch_size * ratio
        setting = settings.Setting(1, rate, self.momentum)
        top = yield from self._climb(
            state, setting, centre, self.factor, self.first_repeats, rival=higher
        )
        if top.best is not None:
            state.decide(
                f"at learning rate {rate:g} and momentum {self.momentum:g} the climb "
                f"from batch size {centre:.3g} ends at "
                f"{top.best.setting.batch_size}, with "
                f"{self.words(top.best.scores)}",
                measured=search_state.numbers_of(top.measured),
            )
        return top.best

    def _climb(
        self,
        state: SearchState,
        setting: settings.Setting,
        centre: float,
        factor: float,
        repeats: tuple[int, ...],
        complete: bool = False,
        rival: Measured | None = None,
    ) -> Steps[climb.Top]:
        sizes, place = climb.lattice(centre, factor, self.min_batch_size, self.limit)
        candidates = [dataclasses.replace(setting, batch_size=b) for b in sizes]
        few = self.few_repeats
        return climb.climb(state, candidates, place, repeats, few, complete, rival)

    def _recommend(
        self, choice: finals.Choice, results: replay.Results
    ) -> recommendations.Recommendation:
        found = super()._recommend(choice, results)
        return dataclasses.replace(
            found,
            num_steps=found.num_steps + self.measuring_steps,
            num_examples=found.num_examples + self.measuring_examples,
        )

    def _tell_assumptions(self, state: SearchState) -> None:
        if self.measurement:
            state.decide(
                self.measurement,
                num_steps=self.measuring_steps,
                num_examples=self.measuring_examples,
            )
        rate = self.learning_rates[0]
        predicted = self.predicted_batch_size(rate)
        error = predicted * self.noise_scale_error / self.noise_scale
        state.decide(
            f"assumed: learning rate {rate:g} from a critical one of "
            f"{self.critical_learning_rate:.3g}; best batch size near "
            f"{predicted:.3g} ± {error:.2g} from a noise scale of "
            f"{self.noise_scale:.3g} ± {self.noise_scale_error:.2g} examples; at other "
            "settings B ~ learning rate / (1 - momentum)",
            noise_scale=self.noise_scale,
            noise_scale_error=self.noise_scale_error,
            critical_learning_rate=self.critical_learning_rate,
            learning_rate=rate,
            predicted_batch_size=predicted,
        )

    def _check(
        self, state: SearchState, first: settings.Setting, final: settings.Setting
    ) -> None:
        predicted = self.predicted_batch_size(first.learning_rate)
        rule = (1.0 - first.momentum) / (1.0 - final.momentum)
        found = final.batch_size / first.batch_size
        # Both optima are known to half a step of their lattices.
        agrees = rule / self.factor <= found <= rule * self.factor
        growth = f"momentum stays {first.momentum:g}"
        if final.momentum != first.momentum:
            growth = (
                f"from momentum {first.momentum:g} to {final.momentum:g} the best "
                f"batch size grew {found:.3g} times where 1 / (1 - momentum) says "
                f"{rule:.3g}, which {'agrees' if agrees else 'does not agree'} within "
                f"a factor of {self.factor:g}"
            )
        state.decide(
            f"checked: phase 1's best batch size is {first.batch_size} where "
            f"{predicted:.3g} was predicted; {growth}",
            predicted_batch_size=predicted,
            found_batch_size=first.batch_size,
            predicted_ratio=rule,
            found_ratio=found,
            agrees=agrees,
        )
