"""What the procedures share that start from a measured noise scale and critical rate.

McCandlish, Kaplan & Amodei (2018), arXiv 1812.06162: the simple noise scale
tr(Sigma) / |G|^2, and the best rate at a batch size,
learning_rate(B) = max_rate / (1 + noise_scale / B). Solved for B, the latter is
B = noise_scale learning_rate / (max_rate - learning_rate), where we take the critical
learning rate for max_rate: our choice. They maximize the progress of one step, not
validation accuracy, and the noise scale grows in training. So the prediction is only a
starting point.
"""

import dataclasses

from bsgen import errors
from bsgen.tuning.procedures import finals, procedure, recommendations, replay
from bsgen.tuning.procedures.search_state import SearchState


@dataclasses.dataclass(frozen=True, kw_only=True)
class TheoryGuided(procedure.Procedure):
    """A procedure that starts from what was measured.

    Attributes:
      noise_scale: tr(Sigma) / |G|^2 of a gradient, in examples; above 0.
      noise_scale_error: its standard error.
      critical_learning_rate: at `momentum`, e.g. 2 (1 + m) / largest eigenvalue.
      share: of the critical rate, which falls as curvature grows in training; below
        0.9, our choice.
      min_batch_size: the smallest to try.
      measurement: how the numbers were measured, in words.
      measuring_steps: parameter updates of the measurement, part of the search's cost.
      measuring_examples: its examples.
    """

    noise_scale: float
    noise_scale_error: float
    critical_learning_rate: float
    share: float = 0.25
    min_batch_size: int = 1
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
        for name in ("measuring_steps", "measuring_examples"):
            errors.check_integer(name, getattr(self, name), 0)
        if errors.check_integer("min_batch_size", self.min_batch_size, 1) > self.limit:
            remedy = (
                f"give at most {self.limit}, the smaller of training set and"
                " max_batch_size"
            )
            raise errors.UserError("min_batch_size", self.min_batch_size, remedy)

    @property
    def first_learning_rate(self) -> float:
        """The share of the critical rate, at most 1, to two digits."""
        return min(1.0, float(f"{self.share * self.critical_learning_rate:.2g}"))

    def predicted_batch_size(self, learning_rate: float) -> float:
        """Returns noise_scale * rate / (critical rate - rate), not rounded.

        Proportional to the noise scale and, far below the critical rate, to the rate.
        """
        rest = self.critical_learning_rate - learning_rate
        return self.noise_scale * learning_rate / rest

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
        rate = self.first_learning_rate
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
