"""A queue of work that keras-tuner's chief hands out to workers on any machines.

The protocol is that of a search: a piece of work is a trial, whose values say what it
is and carry its result back. The chief keeps no state but what `on_result` does, so it
may be killed and started again with the pieces that are left. A worker reports while it
works; one that has been silent for `SILENT_SECONDS` loses its piece to the next idle
worker. Should it come back after all, its result is taken, too.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras_tuner

from bsgen import interrupts
from bsgen.tuning.keras_tuner_adapter import (
    chief_client,
    chief_server,
    process_role,
    resumable_oracle,
    undocumented,
)

SILENT_SECONDS = 120.0  # our choice: longer than a network takes to compile
_REPORT_SECONDS = 5.0
_IDLE_SECONDS = 0.5
_PIECE, _WORK, _RESULT = "piece", "work", "result"

# Called with the work and a function that reports that it is still going on.
Do = Callable[[str, Callable[[], None]], str]


class WorkQueue:
    """What a chief answers: an oracle of keras-tuner, as far as workers can see.

    A trial is named after its worker, and its step is the number of its piece.

    Args:
      pieces: texts by number, all of which are to be done. Numbers must not change when
        a chief is started again.
      on_result: called with each result, maybe twice with that of a piece.
      identity: of the work, as JSON types; a worker's must be the same.
    """

    def __init__(
        self,
        pieces: Mapping[int, str],
        on_result: Callable[[str], None],
        identity: Mapping[str, Any],
    ):
        self._left = dict(pieces)
        self._on_result = on_result
        self._identity = identity
        self._taken: dict[str, int] = {}  # the piece of each worker
        self._heard: dict[str, float] = {}  # when each worker called last
        self._dismissed: set[str] = set()
        self._lock = threading.Lock()

    def get_space(self) -> keras_tuner.HyperParameters:
        """Returns the identity, where `ChiefClient.check` looks for it."""
        return _space({resumable_oracle.IDENTITY: json.dumps(self._identity)})

    def create_trial(self, tuner_id: str) -> undocumented.Trial:
        """Hands out a piece; to a worker that was started again, the one it had."""
        with self._lock:
            self._heard[tuner_id] = time.monotonic()
            piece = self._taken.get(tuner_id)
            if piece is None:
                piece = self._next()
            if piece is not None:
                self._taken[tuner_id] = piece
                values = {_PIECE: piece, _WORK: self._left[piece]}
                return undocumented.Trial(_space(values), tuner_id, "RUNNING")
            if not self._left:
                self._dismissed.add(tuner_id)
            status = "IDLE" if self._left else "STOPPED"
            return undocumented.Trial(_space(), tuner_id, status)

    def update_trial(
        self, trial_id: str, metrics: Mapping[str, float], step: int = 0
    ) -> undocumented.Trial:
        """Notes that a worker is at work, maybe since before the chief was killed."""
        with self._lock:
            self._heard[trial_id] = time.monotonic()
            if step in self._left and step not in self._taken.values():
                self._taken[trial_id] = step
        return undocumented.Trial(_space(), trial_id, "RUNNING")

    def end_trial(self, trial: undocumented.Trial) -> None:
        """Takes the result of a piece."""
        values = trial.hyperparameters.values
        with self._lock:
            self._heard[trial.trial_id] = time.monotonic()
            self._on_result(values[_RESULT])
            self._left.pop(values[_PIECE], None)
            self._taken = {w: p for w, p in self._taken.items() if p in self._left}

    def is_over(self) -> bool:
        """Whether all is done, and every worker that can be reached knows it."""
        with self._lock:
            heard = {worker for worker in self._heard if not self._is_silent(worker)}
            is_known = bool(self._dismissed) and heard <= self._dismissed
            return not self._left and is_known

    def _next(self) -> int | None:
        """Returns a piece that nobody works on, or that of a silent worker."""
        if free := self._left.keys() - self._taken.values():
            return min(free)
        for worker, piece in self._taken.items():
            if self._is_silent(worker):
                del self._taken[worker]
                return piece
        return None

    def _is_silent(self, worker: str) -> bool:
        return time.monotonic() - self._heard[worker] > SILENT_SECONDS


def serve(
    pieces: Mapping[int, str],
    on_result: Callable[[str], None],
    identity: Mapping[str, Any],
) -> None:
    """Hands out the pieces until all are done; for the chief.

    Raises:
      UserError: it cannot listen at its address.
    """
    queue = WorkQueue(pieces, on_result, identity)
    chief_server.serve(queue, process_role.chief(), queue.is_over)


def work(do: Do, identity: Mapping[str, Any]) -> None:
    """Does what the chief hands out until nothing is left; for a worker.

    Raises:
      UserError: the chief is away for too long, or hands out something else.
    """
    chief = chief_client.ChiefClient(None)
    chief.check(identity)
    while True:
        interrupts.check()
        trial = chief.create_trial(chief.tuner_id)
        if trial.status == "STOPPED":
            return
        if trial.status == "IDLE":
            time.sleep(_IDLE_SECONDS)
            continue
        values = trial.hyperparameters.values
        report = _Report(chief, trial.trial_id, values[_PIECE])
        values[_RESULT] = do(values.pop(_WORK), report)
        trial.status = "COMPLETED"
        chief.end_trial(trial)


class _Report:
    """Tells the chief that a piece is being worked on, but not too often."""

    def __init__(self, chief: chief_client.ChiefClient, name: str, piece: int):
        self._chief, self._name, self._piece = chief, name, piece
        self._last = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._last > _REPORT_SECONDS:
            self._chief.update_trial(self._name, {}, step=self._piece)
            self._last = time.monotonic()


def _space(values: Mapping[str, Any] | None = None) -> keras_tuner.HyperParameters:
    space = keras_tuner.HyperParameters()
    space.values = dict(values or {})
    return space
