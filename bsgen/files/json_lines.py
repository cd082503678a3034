"""An append-only file of JSON objects, one a line; each line carries its check sum.

A line is on the disk before the next is written. A last line that a crash tore is
skipped by readers and cut off before the next append; any other damage is an error that
names the line. A check sum covers its own line only, so files may be joined (`cat a b`)
and lines removed; which lines there should be is for the reader to know. Several
processes may append to one file.
"""

import logging
import os
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO, TypeVar

import filelock

from bsgen import errors
from bsgen.files import atomic, format_version, sealed_json, strict_json

FORMAT_VERSION = 1  # of the lines
_LOGGER = logging.getLogger(__name__)
_MOST_NAMED = 10  # damaged lines in one error
_POLL_SECONDS = 0.001  # about what an append takes

Parsed = TypeVar("Parsed")


class JsonLines:
    """The objects of one file."""

    def __init__(self, path: pathlib.Path, remedy: str):
        """Names the file, which need not exist; `remedy` ends errors about damage."""
        self.path = path
        self._remedy = remedy

    def read(
        self,
        parse: Callable[[dict[str, Any]], Parsed],
        warn: Callable[[str], None] = _LOGGER.warning,
    ) -> list[Parsed]:
        """Returns the parsed objects, in the order of the lines.

        Args:
          parse: called with each object; raises ValueError with the reason if a field
            is wrong.
          warn: called with one line if lines of an older version have no check sum.

        Raises:
          UserError: a line is damaged, or the file cannot be read or is of a newer
            version.
        """
        parsed, damaged, num_unchecked = [], [], 0
        for number, line in self._lines():
            try:
                values = sealed_json.parse(line)
                format_version.refuse_newer(self.path, values, FORMAT_VERSION)
                num_unchecked += not sealed_json.unseal(values)
                parsed.append(parse(values))
            except format_version.NewerVersion:
                raise
            except ValueError as error:
                damaged.append((number, str(error)))
        if damaged:
            raise self._damaged(damaged)
        if num_unchecked:
            warn(
                f"{self.path}: {num_unchecked} of {len(parsed)} lines are of an older "
                "version, without a check sum; they are read unchecked"
            )
        return parsed

    def append(
        self,
        objects: Iterable[Mapping[str, Any]],
        parse: Callable[[dict[str, Any]], Parsed],
    ) -> list[Parsed]:
        """Appends objects, which are on the disk when this returns.

        Args:
          objects: to write; NaN and infinities become null.
          parse: as for `read`, which must accept later what is written now.

        Returns:
          What `read` will return for them.

        Raises:
          UserError: the file cannot be written.
          ValueError: `parse` refuses an object; nothing is written then.
        """
        lines = _to_lines(objects)
        parsed = [parse(sealed_json.loads(line)) for line in lines]
        try:
            self._append(b"".join(lines))
        except OSError as error:
            raise atomic.cannot_write(self.path.parent, error) from error
        return parsed

    def replace(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Replaces the content of the file by these objects, in one step."""
        atomic.write(self.path, b"".join(_to_lines(objects)))

    def _lines(self) -> list[tuple[int, bytes]]:
        """Returns the numbered lines, without empty ones and a torn last one."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            remedy = f"{self.path.name} cannot be read ({error.strerror})"
            raise self._error(remedy) from error
        if not _is_whole(lines[-1]):
            del lines[-1]
        return [(n, line) for n, line in enumerate(lines, 1) if line.strip()]

    def _append(self, text: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a+b") as file:
            # Until the file is closed, so that no line begins within another's.
            filelock.lock_descriptor(file.fileno(), poll_interval=_POLL_SECONDS)
            file.write(_end_last_line(file) + text)
            file.flush()
            os.fsync(file.fileno())

    def _damaged(self, damaged: list[tuple[int, str]]) -> errors.UserError:
        (number, reason), *others = damaged
        more = ", ".join(str(other) for other, _ in others[:_MOST_NAMED])
        more += ", ..." if len(others) > _MOST_NAMED else ""
        also = f" (damaged too: {more})" if others else ""
        return self._error(
            f"{self.path.name}, line {number}: {reason}{also}; {self._remedy}"
        )

    def _error(self, remedy: str) -> errors.UserError:
        return errors.UserError("output_dir", str(self.path.parent), remedy)


def _to_lines(objects: Iterable[Mapping[str, Any]]) -> list[bytes]:
    return [
        (sealed_json.dumps(strict_json.finite(each)) + "\n").encode()
        for each in objects
    ]


def _is_whole(last: bytes) -> bool:
    """Whether what follows the last newline is a complete line."""
    try:
        sealed_json.loads(last)
    except sealed_json.Damaged:
        return False
    return True


def _end_last_line(file: BinaryIO) -> bytes:
    """Cuts off a torn last line; returns what has to precede the next one."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 1))
    if file.read(1) in (b"", b"\n"):
        return b""
    file.seek(0)
    last = file.read().rpartition(b"\n")[2]
    if _is_whole(last):
        return b"\n"
    file.truncate(size - len(last))
    return b""
