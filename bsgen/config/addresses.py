"""HOST:PORT addresses of processes that work together, checked before one waits."""

import contextlib
import errno
import re
import socket
from typing import Any, NamedTuple

from bsgen import errors

ANY_HOST = "0.0.0.0"  # noqa: S104, where TensorFlow's own servers listen
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):([0-9]{1,5})")


class Address(NamedTuple):
    """A port, 1 to 65535, of a host: a name or a number, of IPv6 in brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def parse(text: Any) -> Address | None:
    """Parses HOST:PORT; returns None if that is not what the text is."""
    found = _HOST_AND_PORT.fullmatch(text) if isinstance(text, str) else None
    if found is None or not 0 < int(found[2]) < 2**16:
        return None
    return Address(found[1], int(found[2]))


def check_known(argument: str, address: Address) -> list[tuple]:
    """Returns what `socket.getaddrinfo` finds for the address of any machine.

    Args:
      argument: the argument that the address came from, for the error.
      address: to look up.

    Raises:
      UserError: no machine has that name.
    """
    host = address.host.strip("[]")
    try:
        return socket.getaddrinfo(host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not a name of a machine"
        remedy = f"no machine is known as {host} ({reason}); mend the name"
        raise errors.UserError(argument, str(address), remedy) from error


def check_free(argument: str, address: Address) -> None:
    """Checks that this process can listen at an address of this machine.

    Raises:
      UserError: the port is in use, or the address is not this machine's.
    """
    listen(argument, address).close()


def listen(argument: str, address: Address) -> socket.socket:
    """Returns a socket that listens at an address; see `check_free`."""
    problems = []
    with contextlib.ExitStack() as stack:
        listening = []
        for family, kind, protocol, _, place in check_known(argument, address):
            one = stack.enter_context(socket.socket(family, kind, protocol))
            # Without it, a port stays taken for a while after its process has ended.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(place)
                one.listen()
            except OSError as error:
                problems.append(error)
            else:
                listening.append(one)
        numbers = {problem.errno for problem in problems}
        if errno.EADDRINUSE in numbers or not listening:
            raise errors.UserError(argument, str(address), _remedy(problems))
        stack.pop_all()
    for one in listening[1:]:
        one.close()
    return listening[0]


def _remedy(problems: list[OSError]) -> str:
    numbers = {problem.errno for problem in problems}
    if errno.EADDRINUSE in numbers:
        return "the port is in use; choose another one, or end the process that has it"
    if errno.EADDRNOTAVAIL in numbers:
        return "this machine has no such address; give one of its own"
    reason = problems[0].strerror or str(problems[0])
    return f"cannot listen there ({reason}); choose another port"
