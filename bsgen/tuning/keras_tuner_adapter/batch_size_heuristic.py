"""The oracle of keras-tuner that performs one of our procedures.

Smith & Le (2017), arXiv 1710.06451, appendix D. The next step is a pure function of the
finished trials (`bsgen.tuning.procedures.replay`), so a killed search loses only the
trials that were running, and workers may finish in any order.
"""

from __future__ import annotations

from typing import Any

from bsgen.tuning.keras_tuner_adapter import resumable_oracle, trials
from bsgen.tuning.procedures import procedure, replay, settings


class BatchSizeHeuristic(resumable_oracle.ResumableOracle):
    """Searches batch size, learning rate and momentum by a procedure.

    Use it with `bsgen.tuning.SettingTuner`, or with your own tuner if its trials report
    the metrics of `bsgen.tuning.keras_tuner_adapter.trials.to_metrics`.

    Args:
      procedure: `AppendixD`, `Guided` or `Halving`.
      on_decision: called once with each decision as soon as it is taken; in a search
        that continues, with the earlier ones, too.
      **kwargs: further arguments of `keras_tuner.Oracle`, except the objective.
    """

    def __init__(
        self,
        procedure: procedure.Procedure,
        on_decision: replay.OnDecision | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(objective=trials.objective(), **kwargs)
        self.procedure = procedure
        self._on_decision = on_decision
        self._num_told = 0

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns the next setting to train; keras-tuner calls this."""
        review = self.review()
        for decision in review.decisions[self._num_told :]:
            if self._on_decision is not None:
                self._on_decision(decision)
        self._num_told = len(review.decisions)
        if review.is_finished:
            return {"status": "STOPPED"}
        repeats = self.procedure.num_repeats
        running = [
            trials.to_request(trial.hyperparameters.values, repeats)
            # Not all trials without an outcome: a process that was killed while it
            # began a trial has left one that nobody will end.
            for trial in self.ongoing_trials.values()
        ]
        free = [request for request in review.wanted if not _is_among(request, running)]
        if not free:
            return {"status": "IDLE"}
        return {"status": "RUNNING", "values": trials.to_values(free[0])}

    def review(self) -> procedure.Review:
        """Returns what is left to do, the decisions so far, and the recommendation."""
        results = trials.merged(self.trials, self.procedure.num_repeats)
        return self.procedure.review(results)


def _is_among(request: settings.Request, running: list[settings.Request]) -> bool:
    return any(
        request.setting == other.setting and set(request.repeats) & set(other.repeats)
        for other in running
    )
