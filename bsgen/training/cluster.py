"""This process's place in a cluster of workers, as TF_CONFIG gives it."""

import dataclasses
import json
import os
import socket
import time
from typing import Any

from bsgen import errors, interrupts
from bsgen.config import addresses

VARIABLE = "TF_CONFIG"
_EXAMPLE = (
    '{"cluster": {"worker": ["HOST:PORT", ...]}, '
    '"task": {"type": "worker", "index": 0}}'
)
PATIENCE_SECONDS = 600.0  # our choice: a queue starts its machines at different times
_POLL_SECONDS = 0.2
_CONNECT_SECONDS = 2.0


@dataclasses.dataclass(frozen=True)
class Place:
    """A place in a cluster of workers.

    Attributes:
      workers: the address of each; the first is the chief.
      index: the number of this worker.
    """

    workers: tuple[addresses.Address, ...]
    index: int

    @property
    def own(self) -> addresses.Address:
        """Where this worker listens; TensorFlow listens on all of its interfaces."""
        return addresses.Address(addresses.ANY_HOST, self.workers[self.index].port)


def place() -> Place:
    """Returns this process's place.

    Raises:
      UserError: the environment variable TF_CONFIG is missing or invalid.
    """
    text = os.environ.get(VARIABLE, "")
    try:
        return _place(text)
    except ValueError as error:
        remedy = (
            f"{error}; strategy 'multi_worker' needs, with the chief as worker 0, "
            f"{_EXAMPLE}"
        )
        raise errors.UserError(VARIABLE, text, remedy) from error


def check() -> None:
    """Checks everything that can be checked without TensorFlow.

    Raises:
      UserError: as `place`, or this worker's port is in use.
    """
    addresses.check_free(VARIABLE, place().own)


def meet(chosen: Place, seconds: float = PATIENCE_SECONDS) -> None:
    """Waits until every worker has been started; TensorFlow would wait forever.

    Each worker listens on its own port until it has reached all others; TensorFlow
    takes over the port afterwards.

    Raises:
      UserError: this worker's port is in use, or a worker could not be reached in
        `seconds`.
    """
    deadline = time.monotonic() + seconds
    missing = [i for i in range(len(chosen.workers)) if i != chosen.index]
    with addresses.listen(VARIABLE, chosen.own):
        while missing := [i for i in missing if not _is_there(chosen.workers[i])]:
            interrupts.check()
            if time.monotonic() > deadline:
                words = ", ".join(f"worker {i} ({chosen.workers[i]})" for i in missing)
                remedy = f"{words} could not be reached for {seconds:g} s; start all "
                remedy += "workers, and check their names and ports"
                raise errors.UserError(VARIABLE, f"worker {chosen.index}", remedy)
            time.sleep(_POLL_SECONDS)


def _is_there(address: addresses.Address) -> bool:
    host = address.host.strip("[]")
    try:
        socket.create_connection((host, address.port), _CONNECT_SECONDS).close()
    except (OSError, UnicodeError):
        return False
    return True


def _place(text: str) -> Place:
    if not text:
        raise ValueError("it is not set")
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON") from error
    cluster = _object(_object(settings, "it").get("cluster"), "its 'cluster'")
    task = _object(settings.get("task"), "its 'task'")
    others = sorted(cluster.keys() - {"worker"})
    if others:
        raise ValueError(f"its cluster has {others[0]!r}, which is no job of ours")
    texts = cluster.get("worker")
    if not isinstance(texts, list) or not texts:
        raise ValueError("its cluster has no list of workers")
    workers = [addresses.parse(each) for each in texts]
    for each, worker in zip(texts, workers, strict=True):
        if worker is None:
            raise ValueError(f"{each!r} among its workers is not HOST:PORT")
    if len(set(workers)) < len(workers):
        raise ValueError("two of its workers have the same address")
    if task.get("type") != "worker":
        raise ValueError(f"its task has the type {task.get('type')!r}, not 'worker'")
    index = _index(task.get("index"))
    if index is None or index >= len(workers):
        number = task.get("index")
        raise ValueError(f"its task has index {number!r}, of {len(workers)} workers")
    return Place(tuple(each for each in workers if each is not None), index)


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not a JSON object")
    return value


def _index(value: Any) -> int | None:
    """Returns a worker's number; like TensorFlow, accepts it as text too."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and value >= 0 else None
