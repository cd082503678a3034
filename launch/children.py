"""Processes that this one starts and shows the lines of; none of them outlives it."""

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
    """Named child processes; on leaving the context all of them are ended.

    On Linux they are killed, too, when this process is killed.
    """

    def __init__(self, environment: Mapping[str, str]):
        """Takes the environment of the processes."""
        self._environment = {**environment, "PYTHONUNBUFFERED": "1"}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._unfinished: dict[str, bytes] = {}  # lines
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
        """Starts a process under a name that none has that runs; says its number."""
        process = subprocess.Popen(
            command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us; we tell them
            preexec_fn=self._prepare,  # there are no threads here
        )
        print(f"[{name}] is process {process.pid}", flush=True)
        self._running[name] = process
        self._unfinished[name] = b""
        if process.stdout is not None:
            os.set_blocking(process.stdout.fileno(), False)
            self._selector.register(process.stdout, selectors.EVENT_READ, name)

    def wait(self, seconds: float) -> dict[str, int]:
        """Shows what is said meanwhile, each line after its speaker's name.

        Args:
          seconds: at most, until something is said.

        Returns:
          The processes that have ended since: exit status by name, minus the signal of
          one that was killed.
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
        """Waits so long at most until all have ended by themselves."""
        deadline = time.monotonic() + seconds
        while self._running and time.monotonic() < deadline:
            self.wait(0.1)

    def _read(self, name: str) -> bool:
        """Shows what a process has said; returns whether it may say more."""
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
            with contextlib.suppress(KeyError):  # it had said all
                self._selector.unregister(stream)
            stream.close()


def _show(name: str, line: bytes) -> None:
    text = line.decode(errors="replace").rstrip("\r")
    print(f"[{name}] {text}", flush=True)


def _prepare() -> Callable[[], None] | None:
    """Returns what makes a child die with its parent; None where nothing does."""
    if sys.platform != "linux":
        return None
    system = ctypes.CDLL(None)

    def prepare() -> None:
        system.prctl(_DEATH_SIGNAL, signal.SIGKILL)

    return prepare
