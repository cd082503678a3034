"""What a run knows besides its weights and accumulators; checkpoints hold it."""

import contextlib
import dataclasses
import time
from collections.abc import Iterable, Iterator
from typing import Any


@dataclasses.dataclass
class RunState:
    """Step, records and running sums of a run.

    Attributes:
      step: number of steps taken.
      history: the records so far.
      sums: of the metrics over the batches since the last record; empty at first.
      num_summed: the number of those batches.
      seconds: time spent on steps and evaluations.
    """

    step: int = 0
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    sums: list[float] = dataclasses.field(default_factory=list)
    num_summed: int = 0
    seconds: float = 0.0

    def add_batches(self, metrics: Iterable[Iterable[float]]) -> None:
        """Adds the metrics of batches to the sums.

        One by one, so that the sums do not depend on how steps are grouped into calls.
        """
        for values in metrics:
            values = list(values)
            sums = self.sums or [0.0] * len(values)
            self.sums = [a + b for a, b in zip(sums, values, strict=True)]
            self.num_summed += 1

    def add_record(self, record: dict[str, Any]) -> None:
        """Appends a record; the sums start again."""
        self.history.append(record)
        self.sums, self.num_summed = [], 0

    @contextlib.contextmanager
    def timed(self) -> Iterator[None]:
        """Counts the time spent in the context."""
        begun = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - begun
