"""The end of a search: the setting to use, with the evidence."""

import dataclasses
from typing import Any

from bsgen.tuning.procedures import outcomes, settings

# Why a setting has no score, by its status.
REASONS = {
    "out_of_memory": "does not fit in memory",
    "refused": "is refused",
    "failed": "failed",
    "untrained": "does not train in every repeat",
}


@dataclasses.dataclass(frozen=True)
class NextLarger:
    """The next larger batch size that was tried, and what it loses.

    Attributes:
      setting: it.
      status: "completed", "untrained" (a repeat diverged or is no better than the
        constant predictor), "out_of_memory", "failed" or "refused".
      loss: mean over repeats of the score recommended minus larger; None where it did
        not train.
      loss_standard_error: of the pairs; None below two.
    """

    setting: settings.Setting
    status: str
    loss: float | None
    loss_standard_error: float | None

    def words(self) -> str:
        """Returns "the next larger batch (800) is 0.012 ± 0.004 worse"."""
        name = f"the next larger batch ({self.setting.batch_size})"
        if self.loss is None:
            return f"{name} {REASONS.get(self.status, 'failed')}"
        return f"{name} is {_worse(self.loss, self.loss_standard_error)}"


@dataclasses.dataclass(frozen=True)
class Baseline:
    """The user's own optimizer, with the repeats and the budget of what is recommended.

    Attributes:
      setting: it.
      status: as in `NextLarger`.
      score: mean over repeats; None where it did not train, as the next three.
      standard_error: of that mean; None below two repeats.
      loss: mean over repeats of the score recommended minus its own.
      loss_standard_error: of the pairs; None below two.
      is_better: whether it is better than what is recommended, beyond chance or by the
        tolerance.
    """

    setting: settings.AsCompiled
    status: str
    score: float | None = None
    standard_error: float | None = None
    loss: float | None = None
    loss_standard_error: float | None = None
    is_better: bool = False


@dataclasses.dataclass(frozen=True)
class Recommendation:
    """What a search recommends.

    About half of the repeats of its score chose the setting, so luck inflates the score
    somewhat; repeats with new seeds would be unbiased.

    Attributes:
      setting: the setting to use.
      score: mean validation score over `num_repeats` repeats; higher is better, so with
        `lower_is_better` it is the metric with its sign reversed.
      standard_error: of that mean; None for one repeat.
      num_repeats: how many.
      next_larger: None if no larger batch was tried.
      start: phase 1's best setting.
      loss: mean over repeats of the score of `start` minus this one, both trained with
        repeats that did not choose `start`; None if one of them failed.
      loss_standard_error: of the pairs; None below two.
      update_factor: parameter updates of a run of `start` over those of a run of
        `setting`; None if unknown.
      num_steps, num_examples, seconds: of the whole search.
      num_runs: repeats trained by the whole search.
      metric: what is measured.
      lower_is_better: whether less of the metric is better.
      baseline: the user's own optimizer; None if there is none.
    """

    setting: settings.Setting
    score: float
    standard_error: float | None
    num_repeats: int
    next_larger: NextLarger | None
    start: settings.Setting
    loss: float | None
    loss_standard_error: float | None
    update_factor: float | None
    num_steps: int
    num_examples: int
    seconds: float
    num_runs: int
    metric: str = "validation accuracy"
    lower_is_better: bool = False
    baseline: Baseline | None = None

    def words(self) -> str:
        """Returns the recommendation as one line."""
        metric = self.metric + (" (lower is better)" if self.lower_is_better else "")
        score = self._shown(self.score, self.standard_error)
        parts = [f"{self.setting.words()}: {metric} {score}", *self._baseline_words()]
        is_compared = self.loss is not None and self.setting != self.start
        is_start = self.next_larger and self.next_larger.setting == self.start
        if self.next_larger and not (is_start and is_compared):
            parts.append(self.next_larger.words())
        if self.loss is not None and is_compared:
            compared = _worse(self.loss, self.loss_standard_error)
            updates = _updates(self.update_factor)
            name = f"phase 1's best (batch size {self.start.batch_size})"
            parts.append(f"it is {compared} than {name}{updates}")
        parts.append(
            f"the search took {self.num_steps} steps over {self.num_examples} examples"
        )
        if self.baseline and self.baseline.is_better:
            parts[:2] = [f"{parts[1]} than the best setting found", parts[0]]
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Returns the recommendation as JSON's types, its words included."""
        return {**dataclasses.asdict(self), "words": self.words()}

    def _baseline_words(self) -> list[str]:
        """Returns "your own Adam at batch size 32 reaches 0.8, 0.1 ± 0.03 worse"."""
        own = self.baseline
        if own is None:
            return []
        if own.score is None or own.loss is None:
            return [f"{own.setting.words()} {REASONS.get(own.status, 'failed')}"]
        score = self._shown(own.score, own.standard_error)
        compared = _worse(own.loss, own.loss_standard_error)
        if own.is_better:
            return [f"{own.setting.words()} is better: it reaches {score}, {compared}"]
        return [f"{own.setting.words()} reaches {score}, {compared}"]

    def _shown(self, score: float, error: float | None) -> str:
        """Returns the metric with its own sign."""
        return outcomes.plus_minus(-score if self.lower_is_better else score, error)


def _worse(loss: float, error: float | None) -> str:
    """Returns "0.012 ± 0.004 worse", or better where the loss is negative."""
    verb = "worse" if loss >= 0 else "better"
    return f"{outcomes.plus_minus(abs(loss), error)} {verb}"


def _updates(factor: float | None) -> str:
    """Returns the share of updates, given how many times as many the other takes."""
    if factor is None or factor == 1:
        return ""
    if factor > 1:
        return f", with {1 / factor:.0%} of the updates"
    times = f"{1 / factor:.2g}"
    return f", with {'twice' if times == '2' else f'{times} times'} the updates"
