"""Times a contender in its own process, where no other fights over its threads."""

import dataclasses
import importlib
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing import connection
from typing import Any, NamedTuple

from benchmarks import problem as problem_lib

WARM_UP_STEPS = 480
_STEPS_PER_CALL = 240
_RUN_STEPS_PER_CALL = 960  # so that a call of many runs is no longer than one of one


@dataclasses.dataclass(frozen=True)
class Start:
    """What a contender shows before it is timed.

    Attributes:
      seconds: until the first call had returned, less what a later call takes: building
        and compiling.
      cross_entropy, accuracy: of the first run on the training set after the warm-up.
    """

    seconds: float
    cross_entropy: float
    accuracy: float


class Stopwatch:
    """Starts and times a contender."""

    def __init__(self, name: str):
        self._kind = importlib.import_module(f"benchmarks.contenders.{name}").Contender

    def start(self, problem: problem_lib.Problem) -> Start:
        """Builds the contender and takes its first `WARM_UP_STEPS` steps."""
        self._problem = problem if self._kind.stacked else problem.first_run()
        self._num_steps = min(
            _STEPS_PER_CALL, _RUN_STEPS_PER_CALL // self._problem.num_runs
        )
        self._step = 0
        begun = time.perf_counter()
        self._contender = self._kind(self._problem)
        self._call()
        first_seconds = time.perf_counter() - begun
        while self._step < WARM_UP_STEPS:
            call_seconds = self._call()
        score = problem.score(self._contender.weights())
        return Start(max(first_seconds - call_seconds, 0.0), *score)

    def rate(self, seconds: float) -> float:
        """Trains on for at least so many seconds; returns runs x steps per second."""
        first_step = self._step
        elapsed = self._call()
        while elapsed < seconds:
            elapsed += self._call()
        return self._problem.num_runs * (self._step - first_step) / elapsed

    def _call(self) -> float:
        begun = time.perf_counter()
        positions = self._problem.positions(self._step, self._num_steps)
        self._contender.take_steps(positions)
        self._step += self._num_steps
        return time.perf_counter() - begun


class Child:
    """A stopwatch in a process of its own; use as a context manager."""

    def __init__(self, name: str, watch: Callable[[str], Any] = Stopwatch):
        """Starts the process.

        Args:
          name: of the contender.
          watch: makes from the name, in that process, what answers the methods below.
        """
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(watch, name, theirs), daemon=True
        )
        self._process.start()
        theirs.close()  # so that a child that dies is noticed, by EOFError

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.close()
        self._process.join()

    def start(self, problem: Any) -> Any:
        """See `start` of the stopwatch."""
        return self._ask("start", problem)

    def rate(self, turn: float) -> float:
        """See `rate` of the stopwatch."""
        return self._ask("rate", turn)

    def _ask(self, method: str, argument: Any) -> Any:
        self._connection.send((method, argument))
        return self._connection.recv()


class Result(NamedTuple):
    """What a contender showed at its start, and its rate in each round."""

    start: Any
    rates: list[float]


def compare(
    problem: Any, children: dict[str, Child], rounds: int, turn: float
) -> dict[str, Result]:
    """Times every contender on a problem, in turn, `rounds` times.

    Args:
      problem: the work.
      children: contenders by name.
      rounds: how often each has its turn, at least 1.
      turn: length of a turn, what `rate` of their stopwatches takes.

    Returns:
      Results by the contender's name.
    """
    results = {
        name: Result(child.start(problem), []) for name, child in children.items()
    }
    for _ in range(rounds):
        for name, child in children.items():
            results[name].rates.append(child.rate(turn))
    return results


def _serve(
    watch: Callable[[str], Any], name: str, requests: connection.Connection
) -> None:
    stopwatch = watch(name)
    while True:
        try:
            method, argument = requests.recv()
        except EOFError:  # the parent has no more to ask
            return
        requests.send(getattr(stopwatch, method)(argument))
