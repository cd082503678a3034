"""Ports at which tests may listen."""

import itertools
import os
import random
import socket

# Below those that Linux hands out to whoever asks for any port: one of those might be
# taken between the choice and its use, which is seconds later in another process.
_LOWEST, _HIGHEST = 15_000, 32_000
_SHARES = 16  # of the processes of one run of the tests, which pytest-xdist numbers
_SHARE = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _SHARES


def _own():
    """Returns this process's ports, in any order: there may be other runs of tests."""
    own = list(range(_LOWEST + _SHARE, _HIGHEST, _SHARES))
    random.SystemRandom().shuffle(own)
    return own


_ports = itertools.cycle(_own())


def free():
    """Returns a port of 127.0.0.1 at which nobody listens, each time another one."""
    for port in _ports:
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
