"""Child processes: their output is shown line by line, and none outlives this one."""

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

_ENDING_SECONDS = 10.0  # between the request to end and the kill
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's <linux/prctl.h>
_CHUNK = 1 << 16


class Children:
    """Named child processes, as a context manager; all are ended on leaving it.

    On Linux they are also killed when this process is killed.
    """

    def __init__(self, environment: Mapping[str, str]):
        """Prepares to start processes with these environment variables."""
        self._environment = {**environment, "PYTHONUNBUFFERED": "1"}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._unfinished: dict[str, bytes] = {}  # partial lines, by name
        self._selector = selectors.DefaultSelector()
        self._prepare = _prepare()

    def __enter__(self) -> "Children":
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self._running.values():
            process.terminate()
        self.finish(_ENDING_SECONDS)
        for process in self._running.values():
            process.kill()
        self.finish(_ENDING_SECONDS)
        self._selector.close()

    def start(self, name: str, command: Sequence[str]) -> None:
        """Starts a process under a name that no running one has; prints its number."""
        process = subprocess.Popen(
            command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that Ctrl-C reaches only this process
            preexec_fn=self._prepare,  # safe, because there are no threads here
        )
        print(f"[{name}] is process {process.pid}", flush=True)
        self._running[name] = process
        self._unfinished[name] = b""
        if process.stdout is not None:
            os.set_blocking(process.stdout.fileno(), False)
            self._selector.register(process.stdout, selectors.EVENT_READ, name)

    def wait(self, seconds: float) -> dict[str, int]:
        """Shows new output, each line after the name of its process.

        Args:
          seconds: how long to wait for output, at most.

        Returns:
          The processes that have ended since the last call: exit status by name; of one
          that was killed, minus the signal.
        """
        for key, _ in self._selector.select(seconds):
            self._read(key.data)
        ended = {
            name: code
            for name, process in self._running.items()
            if (code := process.poll()) is not None
        }
        for name in ended:
            self._close(name)
        return ended

    def finish(self, seconds: float) -> None:
        """Waits for at most `seconds` until all have ended by themselves."""
        deadline = time.monotonic() + seconds
        while self._running and time.monotonic() < deadline:
            self.wait(0.1)

    def _read(self, name: str) -> bool:
        """Shows the output of a process; returns whether more may come."""
        stream = self._running[name].stdout
        if stream is None or stream.fileno() not in self._selector.get_map():
            return False
        try:
            text = os.read(stream.fileno(), _CHUNK)
        except BlockingIOError:
            return False
        if not text:
            self._selector.unregister(stream)
            return False
        *lines, rest = (self._unfinished[name] + text).split(b"\n")
        self._unfinished[name] = rest
        for line in lines:
            _show(name, line)
        return True

    def _close(self, name: str) -> None:
        while self._read(name):
            pass
        rest = self._unfinished.pop(name)
        if rest:
            _show(name, rest)
        stream = self._running.pop(name).stdout
        if stream is not None:
            with contextlib.suppress(KeyError):  # its end was read already
                self._selector.unregister(stream)
            stream.close()


def _show(name: str, line: bytes) -> None:
    text = line.decode(errors="replace").rstrip("\r")
    print(f"[{name}] {text}", flush=True)


def _prepare() -> Callable[[], None] | None:
    """Returns a function that makes a child die with its parent, on Linux only."""
    if sys.platform != "linux":
        return None
    system = ctypes.CDLL(None)

    def prepare() -> None:
        system.prctl(_DEATH_SIGNAL, signal.SIGKILL)

    return prepare
