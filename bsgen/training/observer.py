"""Following a run while it trains."""

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

_LOGGER = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class TrainingProgress:
    """How far a run is.

    Attributes:
      step: number of steps taken.
      epoch: passes over the training set completed.
      metrics: of the batches of the last call, by name; the first is the loss.
      images_per_second: of the last call.
      record: the evaluation that followed the last call, or None.
    """

    step: int
    epoch: float
    metrics: Mapping[str, float]
    images_per_second: float
    record: dict[str, Any] | None = None


class Observer:
    """Follows a run; subclasses override what they need."""

    def started(self, step: int) -> None:
        """Called when training begins or continues, with the steps taken before."""

    def advanced(self, progress: TrainingProgress) -> None:
        """Called about once a second, and after every evaluation."""

    def warned(self, line: str) -> None:
        """Called with one line for each damaged file that the run continues without."""
        _LOGGER.warning(line)
