"""Launchers in processes of their own, for their tests."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).parents[2]


def environment(**more):
    paths = {"PYTHONPATH": str(ROOT)}
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **paths, **more}


def reproduce(*flags, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-m", "launch.reproduce", *flags],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
    )


def train(*flags, cwd=ROOT, seconds=240, preexec_fn=None, **more):
    """Runs `launch.train`, so long at most; `more` goes to its environment."""
    return subprocess.run(
        [sys.executable, "-m", "launch.train", *flags],
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=seconds,
        preexec_fn=preexec_fn,
    )


def start_train(*flags, seconds=240, **more):
    """Starts `launch.train`, for so long at most; `stdout` has its errors too."""
    process = subprocess.Popen(
        [sys.executable, "-m", "launch.train", *flags],
        cwd=ROOT,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watchdog = threading.Timer(seconds, process.kill)
    watchdog.daemon = True
    watchdog.start()
    return process


def read_until(process, *beginnings):
    """Reads lines of a process until one begins so; returns all of them."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(beginnings):
            break
    return lines


def start_workers(*flags, count=2):
    """Starts `launch.train` on some workers of this machine."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        places = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    return [
        start_train(
            "--strategy=multi_worker",
            *flags,
            TF_CONFIG=json.dumps(
                {
                    "cluster": {"worker": places},
                    "task": {"type": "worker", "index": index},
                }
            ),
        )
        for index in range(count)
    ]
