"""The end of a search: the setting to use, with the evidence."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from bsgen.tuning import outcomes, settings


@dataclasses.dataclass(frozen=True)
class NextLarger:
    """The next larger batch size that was tried, and what it loses.

    Attributes:
      setting: it.
      status: "completed", "untrained" (a repeat diverged or is no better than the
        constant predictor), "out_of_memory", "failed" or "refused".
      loss: mean over repeats of recommended minus larger; None without scores.
      loss_standard_error: of the pairs; None below two.
    """

    setting: settings.Setting
    status: str
    loss: float | None
    loss_standard_error: float | None

    def words(self) -> str:
        """Returns "the next larger batch (800) loses 0.012 ± 0.004"."""
        name = f"the next larger batch ({self.setting.batch_size})"
        if self.status == "out_of_memory":
            return f"{name} does not fit in memory"
        if self.status == "refused":
            return f"{name} is refused"
        if self.status == "failed" or self.loss is None:
            return f"{name} failed"
        if self.status == "untrained":
            return f"{name} does not train in every repeat"
        return f"{name} {_loses(self.loss, self.loss_standard_error)}"


@dataclasses.dataclass(frozen=True)
class Recommendation:
    """What a search recommends.

    The score is the highest of phase 3's, hence somewhat flattered by luck, and so are
    the differences from it; repeats of new seeds would be unbiased.

    Attributes:
      setting: the setting to use.
      score: mean validation score over `num_repeats` repeats.
      standard_error: of that mean; None for one repeat.
      num_repeats: how many.
      next_larger: None if no larger batch was tried.
      start: phase 1's best setting.
      loss: mean over repeats of the score of `start` minus this one, both trained with
        repeats that did not choose `start`; None if `start` failed in them.
      loss_standard_error: of the pairs; None below two.
      update_factor: parameter updates of a run of `start` over those of a run of
        `setting`; None where nobody counted.
      num_steps, num_examples, seconds: spent by the whole search.
      num_runs: repeats trained by the whole search.
      metric: what the score is called.
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

    def words(self) -> str:
        """Returns the recommendation as one line."""
        score = outcomes.plus_minus(self.score, self.standard_error)
        parts = [f"{self.setting.words()}: {self.metric} {score}"]
        if self.next_larger:
            parts.append(self.next_larger.words())
        if self.loss is not None and self.setting != self.start:
            compared = _loses(self.loss, self.loss_standard_error)
            name = f"phase 1's best (batch size {self.start.batch_size})"
            parts.append(f"it {compared} against {name}")
            if self.update_factor is not None:
                parts[-1] += f" and takes {1 / self.update_factor:.3g} of its updates"
        parts.append(
            f"the search took {self.num_steps} steps over {self.num_examples} examples"
        )
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Returns the recommendation as JSON's types, its words included."""
        return {**dataclasses.asdict(self), "words": self.words()}


def of_best(
    done: Sequence[tuple[settings.Request, outcomes.Outcome]],
    baseline_score: float,
    metric: str,
) -> Recommendation | None:
    """Returns the trial of the highest mean score as a recommendation.

    Args:
      done: finished trials.
      baseline_score: of the constant predictor; what is not above it has not trained.
      metric: what the score is called.

    Returns:
      None if no trial trained in all its repeats.
    """
    trained = [
        (request.setting, outcome)
        for request, outcome in done
        if outcome.status == "completed"
        and min(outcome.scores.values()) > baseline_score
    ]
    if not trained:
        return None
    setting, best = max(trained, key=lambda trial: trial[1].mean or 0.0)
    results = [outcome for _, outcome in done]
    return Recommendation(
        setting=setting,
        score=best.mean or 0.0,
        standard_error=best.standard_error,
        num_repeats=len(best.scores),
        next_larger=None,
        start=setting,
        loss=None,
        loss_standard_error=None,
        update_factor=None,
        num_steps=sum(one.num_steps for one in results),
        num_examples=sum(one.num_examples for one in results),
        seconds=sum(one.seconds for one in results),
        num_runs=sum(len(one.scores) for one in results),
        metric=metric,
    )


def _loses(loss: float, error: float | None) -> str:
    verb = "loses" if loss >= 0 else "gains"
    return f"{verb} {outcomes.plus_minus(abs(loss), error)}"
