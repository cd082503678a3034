"""Times contenders that take turns, each in a process of its own.

Turns keep a busy machine from slowing one contender only; processes keep TensorFlow,
PyTorch and JAX from competing for threads.
"""

import abc
import contextlib
import importlib
import importlib.util
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing import connection
from typing import Any, NamedTuple

from benchmarks import device


class Entry(NamedTuple):
    """A contender's name in tables, and the package that it needs."""

    title: str
    package: str


class Result(NamedTuple):
    """What a contender returned at its start, and in each of its turns."""

    start: Any
    rates: list[Any]


class Stopwatch(abc.ABC):
    """Starts and times the class `Contender` of a module."""

    def __init__(self, module: str):
        self._kind = importlib.import_module(module).Contender

    @abc.abstractmethod
    def start(self, problem: Any) -> Any:
        """Builds the contender and warms it up."""

    @abc.abstractmethod
    def rate(self, turn: Any) -> Any:
        """Times a turn of this length."""


class Child:
    """A stopwatch in a process of its own; use as a context manager.

    Attributes:
      runs: False once the process was found to have ended.
    """

    def __init__(self, module: str, watch: Callable[[str], Stopwatch]):
        """Starts the process, which calls `watch(module)`."""
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(watch, module, theirs), daemon=True
        )
        self._process.start()
        theirs.close()  # so that the death of a child raises EOFError here
        self.runs = True
        self._asked = False

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.close()
        self._process.join()

    def start(self, problem: Any) -> Any:
        """See `Stopwatch.start`; only waits if it was asked before to `begin`."""
        if not self._asked:
            self._connection.send(("start", problem))
        self._asked = False
        return self._connection.recv()

    def begin(self, problem: Any) -> None:
        """Asks it to start, without waiting; nothing happens if it has ended."""
        with contextlib.suppress(ConnectionError):
            self._connection.send(("start", problem))
        self._asked = True

    def wait(self) -> None:
        """Waits until it has started, or has ended."""
        self._connection.poll(None)

    def rate(self, turn: Any) -> Any:
        """See `Stopwatch.rate`."""
        self._connection.send(("rate", turn))
        return self._connection.recv()


@contextlib.contextmanager
def children(
    package: str, entries: Mapping[str, Entry], watch: Callable[[str], Stopwatch]
) -> Iterator[dict[str, Child]]:
    """Starts the contenders whose packages are installed; names the others.

    Args:
      package: that holds a module a contender.
      entries: by the name of the module.
      watch: makes a stopwatch from the dotted name of a module.

    Yields:
      Their processes, by name; they end with the context.
    """
    with contextlib.ExitStack() as stack:
        started = {}
        for name, entry in entries.items():
            if importlib.util.find_spec(entry.package):
                child = Child(f"{package}.{name}", watch)
                started[name] = stack.enter_context(child)
            else:
                print(f"{entry.title} is left out: pip install '.[bench]'")
        yield started


def compare(
    problem: Any, contenders: Mapping[str, Child], rounds: int, turn: Any
) -> dict[str, Result]:
    """Times every contender on a problem, in turn, `rounds` times.

    A contender whose process ends on the way is named, and left out from then on.

    Args:
      problem: the work.
      contenders: by name; those that `begin` has asked before start together.
      rounds: turns of each, at least 1.
      turn: the length of a turn, the argument of `Stopwatch.rate`.

    Returns:
      Results by the contender's name.
    """
    results = {}
    for name, child in _running(contenders):
        with _left_out_at_its_end(name, child):
            results[name] = Result(child.start(problem), [])
    for _ in range(rounds):
        for name, child in _running(contenders):
            with _left_out_at_its_end(name, child):
                results[name].rates.append(child.rate(turn))
    return {name: results[name] for name, _ in _running(contenders)}


def _running(contenders: Mapping[str, Child]) -> Iterator[tuple[str, Child]]:
    return ((name, child) for name, child in contenders.items() if child.runs)


@contextlib.contextmanager
def _left_out_at_its_end(name: str, child: Child) -> Iterator[None]:
    try:
        yield
    except (EOFError, ConnectionError):
        print(f"{name} is left out: its process has ended", flush=True)
        child.runs = False


def seconds(function: Callable[[], object]) -> float:
    """Returns how long one call takes."""
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def _serve(
    watch: Callable[[str], Stopwatch], module: str, requests: connection.Connection
) -> None:
    os.environ.update(device.SHARED_MEMORY)
    stopwatch = watch(module)
    while True:
        try:
            method, argument = requests.recv()
        except EOFError:  # the parent has closed the connection
            return
        requests.send(getattr(stopwatch, method)(argument))
