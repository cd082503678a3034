"""A search as a pure function of its results, replayed from the start every time.

A procedure is a generator: it yields the requests that it needs next, receives what
they gave, and returns its choice. Replaying it over the finished trials gives the same
decisions in whatever order the trials arrived, so a killed search needs no other state.
"""

import dataclasses
from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from bsgen.tuning.procedures import outcomes, settings


@dataclasses.dataclass(frozen=True)
class Decision:
    """One decision of a search.

    Attributes:
      phase: see `settings.Request`.
      text: the decision and its reason in plain words.
      numbers: the numbers behind it, as JSON types.
    """

    phase: int
    text: str
    numbers: Mapping[str, Any]


class Measured(NamedTuple):
    """What a request gave: the scores of its own repeats only.

    The setting is a `settings.Trainable`. The status is
    "completed", or why repeats are missing: "out_of_memory", "failed" or "refused".
    """

    setting: Any
    scores: np.ndarray
    status: str

    @property
    def mean(self) -> float:
        """Mean of the scores; there is at least one."""
        return float(np.mean(self.scores))


T = TypeVar("T")
OnDecision: TypeAlias = Callable[[Decision], None]
Requests: TypeAlias = tuple[settings.Request, ...]
Steps: TypeAlias = Generator[Requests, list[Measured], T]
Results: TypeAlias = Mapping[settings.Trainable, outcomes.Outcome]


def replay(steps: Steps[T], results: Results) -> tuple[Requests, T | None]:
    """Runs a procedure as far as the results allow.

    Each request is answered with its own repeats, even if the results hold more, so
    decisions are the same as when they were first taken.

    Returns:
      The requests that lack results, and the procedure's choice once there are none.
    """
    try:
        asked = next(steps)
        while True:
            wanted = tuple(_missing(request, results) for request in asked)
            wanted = tuple(request for request in wanted if request.repeats)
            if wanted:
                return wanted, None
            asked = steps.send([_answer(request, results) for request in asked])
    except StopIteration as end:
        return (), end.value


def _missing(request: settings.Request, results: Results) -> settings.Request:
    if request.setting not in results:
        return request
    repeats = results[request.setting].missing(request.repeats)
    return dataclasses.replace(request, repeats=repeats)


def _answer(request: settings.Request, results: Results) -> Measured:
    outcome = results[request.setting]
    scores = outcome.of(request.repeats)
    ended_early = outcome.is_final and len(scores) < len(request.repeats)
    status = outcome.status if ended_early else "completed"
    return Measured(request.setting, scores, status)
