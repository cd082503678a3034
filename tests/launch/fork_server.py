"""A process that has loaded TensorFlow, and forks launchers that find it loaded.

    python -m tests.launch.fork_server SOCKET

Loading takes 3.5 s of a core, more than most of what the tests of launchers train. A
request is a JSON object with descriptors for the launcher's output, its errors and its
fate: its number as soon as it runs, and its exit status.
"""

import gc
import json
import multiprocessing.connection
import os
import resource
import runpy
import signal
import socket
import sys
import warnings

import keras_tuner  # noqa: F401
import matplotlib.pyplot  # noqa: F401
import sklearn.datasets  # noqa: F401
import tensorflow as tf  # noqa: F401

# All that launchers load after their checks. None of it starts TensorFlow's runtime,
# whose threads a fork would lose.
import bsgen.data
import bsgen.measures
import bsgen.models
import bsgen.studies
import bsgen.sweeps
import bsgen.training
import bsgen.tuning  # noqa: F401

_MAX_REQUEST = 2**17
_fates: dict[int, multiprocessing.connection.Connection] = {}


def main() -> None:
    """Serves until the other side closes the socket."""
    # Idle threads of NumPy's libraries, which see to forks themselves.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, _report)
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        while True:
            text, descriptors, *_ = socket.recv_fds(requests, _MAX_REQUEST, 3)
            if not text:
                return
            # A launcher that ends at once is reported once it is known.
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
            number = os.fork()
            if number == 0:
                break
            fate = multiprocessing.connection.Connection(descriptors.pop())
            fate.send(number)
            _fates[number] = fate
            for descriptor in descriptors:
                os.close(descriptor)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    _become(json.loads(text), *descriptors)


def _report(number: int, frame: object) -> None:
    for child in [*_fates]:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            with _fates.pop(child) as fate:
                fate.send(os.waitstatus_to_exitcode(status))


def _become(request: dict, output: int, errors: int, fate: int) -> None:
    """Goes on as `python -m LAUNCHER` would; returns when that ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    os.close(fate)
    for other in _fates.values():
        other.close()
    for source, target in ((output, 1), (errors, 2)):
        os.dup2(source, target)
        os.close(source)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    if request["max_file_bytes"]:
        limits = request["max_file_bytes"], request["max_file_bytes"]
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    sys.path[0] = request["cwd"]
    sys.argv = ["-m", *request["flags"]]
    runpy.run_module(request["launcher"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
