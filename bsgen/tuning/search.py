"""What a procedure knows while it is replayed: its decisions and the hardware's limit.

All sizes are global batch sizes.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from bsgen.tuning import plans, settings


class Search:
    """The state of one replay.

    Attributes:
      max_batch_size: the largest batch size allowed.
      decisions: those taken so far.
      trace: all that was measured, in order.
    """

    def __init__(self, max_batch_size: int):
        self.max_batch_size = max_batch_size
        self.decisions: list[plans.Decision] = []
        self.trace: list[plans.Measured] = []

    def decide(self, phase: int, text: str, **numbers: Any) -> None:
        """Records a decision."""
        self.decisions.append(plans.Decision(phase, text, numbers))

    def fits(self, batch_size: int) -> bool:
        """Returns whether a batch is allowed and smaller than all that did not fit."""
        return batch_size <= self.max_batch_size and all(
            batch_size < one.setting.batch_size
            for one in self.trace
            if one.status == "out_of_memory"
        )

    def measure(
        self, wanted: Iterable[settings.Setting], repeats: Sequence[int]
    ) -> plans.Steps[list[plans.Measured]]:
        """Asks for settings, all with the same repeats, and returns what they gave."""
        return (yield from self.ask([(one, repeats) for one in wanted]))

    def ask(
        self, wanted: Iterable[tuple[settings.Setting, Sequence[int]]]
    ) -> plans.Steps[list[plans.Measured]]:
        """Asks for settings, each with repeats of its own; returns what they gave."""
        requests = (settings.Request(one, tuple(repeats)) for one, repeats in wanted)
        measured = yield tuple(requests)
        self.trace.extend(measured)
        return measured


def numbers_of(measured: Iterable[plans.Measured]) -> list[dict[str, Any]]:
    """Returns settings and scores as JSON's types, for a decision."""
    return [
        {
            "batch_size": one.setting.batch_size,
            "learning_rate": one.setting.learning_rate,
            "momentum": one.setting.momentum,
            "scores": one.scores.tolist(),
            "status": one.status,
        }
        for one in measured
    ]
