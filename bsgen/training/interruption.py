"""Stops a long run at its next safe point when a signal asks for it.

`bsgen.interrupts` serves work that saves nothing and ends with a KeyboardInterrupt.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any


class Interrupted(Exception):
    """A run was asked to stop; everything up to `step` has been saved.

    Attributes:
      signal_number: SIGTERM, SIGHUP or SIGINT, received here or by another worker.
      step: number of steps taken.
    """

    def __init__(self, signal_number: int, step: int):
        super().__init__(signal_number, step)  # what a pickle makes it from again
        self.signal_number = signal_number
        self.step = step

    def __str__(self) -> str:
        return f"stopped after step {self.step}"


# A signal that came in the last steps of a run, which had nothing left to stop.
_unanswered: int | None = None


class Interruption:
    """Notes SIGTERM, SIGHUP and Ctrl-C while entered; a second signal acts at once.

    SIGHUP, the loss of the terminal, stays ignored under `nohup`. What has been noted
    when the work ends without an exception is left to `check`.

    Attributes:
      signal_number: of the signal received; None if there was none.
    """

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        if _takes_signals():
            numbers = [signal.SIGTERM, signal.SIGINT]
            if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
                numbers.append(signal.SIGHUP)
            for number in numbers:
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        global _unanswered
        self._restore()
        if self.signal_number is not None and exception[0] is None:
            _unanswered = self.signal_number

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal_number = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}


def check() -> None:
    """Stops before the next run if the last one was asked to stop as it ended.

    Raises:
      Interrupted: it was.
    """
    number = _unanswered
    forget()
    if number is not None:
        raise Interrupted(number, 0)


def forget() -> None:
    """Forgets what the last run was asked, as when other work begins."""
    global _unanswered
    _unanswered = None


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """Lets Ctrl-C end the process during a wait that Python cannot interrupt."""
    if not _takes_signals():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _takes_signals() -> bool:
    return threading.current_thread() is threading.main_thread()
