"""Launchers in processes of their own, for their tests.

`start` and `run` fork them from a process that has loaded TensorFlow (`fork_server`).
Where it matters what a launcher loads, and when, tests start Python instead.
"""

import atexit
import functools
import json
import multiprocessing
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading

from tests import ports

ROOT = pathlib.Path(__file__).parents[2]
_SECONDS = 240  # of a launcher at most: the machine may be busy


def environment(**more):
    paths = {"PYTHONPATH": str(ROOT)}
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **paths, **more}


class Started:
    """A launcher that was started; offers what `subprocess.Popen` does.

    Attributes:
      pid: its number.
      stdout: what it writes, as lines of text.
      returncode: its exit status or minus the number of the signal that ended it; None
        until it has been waited for.
    """

    def __init__(self, request, seconds, errors_too, held):
        """`seconds`: so long at most; `errors_too`: `stdout` has its errors too."""
        self.returncode = None
        self._errors = tempfile.TemporaryFile("w+")
        self._fate, fate = multiprocessing.Pipe(duplex=False)
        reader, writer = _few_lines() if held else os.pipe()
        self.stdout = open(reader)
        errors = writer if errors_too else self._errors.fileno()
        text = json.dumps(request).encode()
        socket.send_fds(_server(), [text], [writer, errors, fate.fileno()])
        os.close(writer)
        fate.close()
        self.pid = self._fate.recv()
        self._watchdog = threading.Timer(seconds, self.kill)
        self._watchdog.daemon = True
        self._watchdog.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stdout.close()
        self.wait()

    def poll(self):
        if self.returncode is None and self._fate.poll():
            self.wait()
        return self.returncode

    def wait(self):
        if self.returncode is None:
            with self._fate, self._errors:
                self.returncode = self._fate.recv()
                self._errors.seek(0)
                self._said = self._errors.read()
            self._watchdog.cancel()
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def communicate(self):
        """Returns the rest of its output, and all its errors, once it has ended."""
        output = "" if self.stdout.closed else self.stdout.read()
        self.stdout.close()
        self.wait()
        return output, self._said


def start(
    launcher,
    *flags,
    cwd=ROOT,
    seconds=_SECONDS,
    errors_too=False,
    held=False,
    max_file_bytes=None,
    **more,
):
    """Starts `launch.LAUNCHER`.

    Args:
      held: whether it waits for its reader when it is about ten lines ahead, so that it
        cannot end before the reader has seen a line and acts on it.
      more: goes to its environment.
    """
    request = {
        "launcher": f"launch.{launcher}",
        "flags": flags,
        "cwd": str(cwd),
        "environment": environment(**more),
        "max_file_bytes": max_file_bytes,
    }
    return Started(request, seconds, errors_too, held)


def run(launcher, *flags, **options):
    """Runs `launch.LAUNCHER` to its end."""
    started = start(launcher, *flags, **options)
    output, errors = started.communicate()
    return subprocess.CompletedProcess(
        [launcher, *flags], started.returncode, output, errors
    )


def run_anew(launcher, *flags, cwd=ROOT, seconds=_SECONDS, **more):
    """Runs `python -m launch.LAUNCHER`, which loads what it needs itself."""
    return subprocess.run(
        [sys.executable, "-m", f"launch.{launcher}", *flags],
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=seconds,
    )


def reproduce(*flags, cwd=ROOT):
    """Runs `launch.reproduce`, which sets the threads of what it loads."""
    return run_anew("reproduce", *flags, cwd=cwd, seconds=5 * _SECONDS)


def start_train(*flags, **options):
    """Starts `launch.train`; `stdout` has its errors too."""
    return start("train", *flags, errors_too=True, **options)


def read_until(process, *beginnings):
    """Reads lines of a process until one begins so; returns all of them."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(beginnings):
            break
    return lines


def start_workers(*flags, held=None):
    """Starts `launch.train` on two workers of this machine; one of them may be held."""
    places = [f"127.0.0.1:{ports.free()}" for _ in range(2)]
    return [
        start_train(
            "--strategy=multi_worker",
            *flags,
            held=index == held,
            TF_CONFIG=json.dumps(
                {
                    "cluster": {"worker": places},
                    "task": {"type": "worker", "index": index},
                }
            ),
        )
        for index in range(2)
    ]


def _few_lines():
    """Returns both ends of a pipe that holds as few lines as there may be, six."""
    here, there = socket.socketpair()
    there.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    return here.detach(), there.detach()


@functools.cache
def _server():
    """Starts the process that forks; returns the socket for requests."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with there:
        number = there.fileno()
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.launch.fork_server", str(number)],
            cwd=ROOT,
            env=environment(),
            pass_fds=[number],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    atexit.register(server.wait)
    atexit.register(here.close)  # the first to be called
    return here
