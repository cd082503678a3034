"""What a procedure knows while it is replayed: what it asked for, decided, and may use.

All sizes are global batch sizes.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from bsgen.tuning.procedures import replay, settings


class SearchState:
    """The state of one replay.

    Attributes:
      max_batch_size: the largest batch size allowed.
      phase: the one that asks; decisions are of it.
      phases: the phase that first asked for a setting's repeat, by both.
      decisions: those taken so far.
      trace: all that was measured, in order.
    """

    def __init__(self, max_batch_size: int):
        self.max_batch_size = max_batch_size
        self.phase = 0
        self.phases: dict[tuple[settings.Trainable, int], int] = {}
        self.decisions: list[replay.Decision] = []
        self.trace: list[replay.Measured] = []

    def decide(self, text: str, **numbers: Any) -> None:
        """Records a decision of the phase that runs."""
        self.decisions.append(replay.Decision(self.phase, text, numbers))

    def repeats(self, setting: settings.Trainable) -> tuple[int, ...]:
        """Returns the repeats that were asked for of a setting, rising."""
        return tuple(sorted(i for one, i in self.phases if one == setting))

    def fits(self, batch_size: int) -> bool:
        """Returns whether a batch is allowed and smaller than all that did not fit."""
        return batch_size <= self.max_batch_size and all(
            batch_size < one.setting.batch_size
            for one in self.trace
            if one.status == "out_of_memory"
            and isinstance(one.setting, settings.Setting)
        )

    def measure(
        self, wanted: Iterable[settings.Trainable], repeats: Sequence[int]
    ) -> replay.Steps[list[replay.Measured]]:
        """Asks for settings, all with the same repeats, and returns what they gave."""
        return (yield from self.ask([(one, repeats) for one in wanted]))

    def ask(
        self, wanted: Iterable[tuple[settings.Trainable, Sequence[int]]]
    ) -> replay.Steps[list[replay.Measured]]:
        """Asks for settings, each with repeats of its own; returns what they gave."""
        requests = tuple(settings.Request(one, tuple(each)) for one, each in wanted)
        for request in requests:
            for repeat in request.repeats:
                self.phases.setdefault((request.setting, repeat), self.phase)
        measured = yield requests
        self.trace.extend(measured)
        return measured


def numbers_of(measured: Iterable[replay.Measured]) -> list[dict[str, Any]]:
    """Returns settings and scores as JSON's types, for a decision."""
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
