"""What a procedure knows during a replay: its requests, its decisions and the limits.

All batch sizes are global.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from bsgen.tuning.procedures import comparison, replay, settings
from bsgen.tuning.procedures.replay import Measured, Steps


class SearchState:
    """The state of one replay.

    Attributes:
      max_batch_size: the largest batch size allowed.
      rules: the statistical rules.
      phase: the current one; see `settings.Request`.
      reason: for what the current phase asks, unless it says otherwise.
      asked: all requests so far, in order.
      decisions: those taken so far.
      trace: all that was measured, in order.
    """

    def __init__(self, max_batch_size: int, rules: comparison.Rules):
        self.max_batch_size, self.rules = max_batch_size, rules
        self.phase = 0
        self.reason: settings.Reason | None = None
        self.asked: list[settings.Request] = []
        self.decisions: list[replay.Decision] = []
        self.trace: list[Measured] = []

    def begin(self, phase: int, reason: settings.Reason) -> None:
        """Begins a phase."""
        self.phase, self.reason = phase, reason

    def decide(self, text: str, **numbers: Any) -> None:
        """Records a decision of the current phase."""
        self.decisions.append(replay.Decision(self.phase, text, numbers))

    def repeats(self, setting: settings.Trainable) -> tuple[int, ...]:
        """Returns the repeats that were requested of a setting, in rising order."""
        found = {i for one in self.asked if one.setting == setting for i in one.repeats}
        return tuple(sorted(found))

    def fits(self, batch_size: int) -> bool:
        """Returns whether a batch is allowed and smaller than all that did not fit."""
        return batch_size <= self.max_batch_size and all(
            batch_size < one.setting.batch_size
            for one in self.trace
            if one.status == "out_of_memory"
            and not isinstance(one.setting, settings.AsCompiled)
        )

    def measure(
        self,
        wanted: Iterable[settings.Trainable],
        repeats: Sequence[int],
        reason: settings.Reason | None = None,
    ) -> Steps[list[Measured]]:
        """Requests settings, all with the same repeats, and returns what they gave."""
        return (
            yield from self.ask([self.request(one, repeats, reason) for one in wanted])
        )

    def request(
        self,
        setting: settings.Trainable,
        repeats: Sequence[int],
        reason: settings.Reason | None = None,
    ) -> settings.Request:
        """Returns a request of the phase, for its reason unless another is given."""
        reason = reason or self.reason
        return settings.Request(setting, tuple(repeats), self.phase, reason)

    def ask(self, requests: Sequence[settings.Request]) -> Steps[list[Measured]]:
        """Requests settings together, and returns what they gave."""
        self.asked.extend(requests)
        measured = yield tuple(requests)
        self.trace.extend(measured)
        return measured


def numbers_of(measured: Iterable[Measured]) -> list[dict[str, Any]]:
    """Returns settings and scores as JSON types, for a decision."""
    return [
        {
            **dataclasses.asdict(one.setting),
            "scores": one.scores.tolist(),
            "status": one.status,
        }
        for one in measured
    ]


def best_of(size: int, tried: Sequence[int]) -> str:
    """Returns "the best of 3 batch sizes from 8 to 32 is 16"."""
    if len(tried) == 1:
        return f"the only batch size is {size}"
    many = f"{len(tried)} batch sizes from {min(tried)} to {max(tried)}"
    return f"the best of {many} is {size}"
