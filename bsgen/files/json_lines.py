"""An append-only file of JSON objects, one a line; each line carries its check sum.

Lines are on the disk before the next is written. What a crash leaves of the last line
is passed over, and cut off before something is appended; any other damage is an error
that names the line. A check sum covers its own line alone, so that files of several
folders may be joined (`cat a b`) and lines removed; which lines there should be is for
the reader to know. Several processes may append to one file.
"""

import fcntl
import logging
import os
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO, TypeVar

from bsgen import errors
from bsgen.files import atomic, sealed_json, strict_json

FORMAT_VERSION = 1  # of the lines; a file of a newer version is refused
_LOGGER = logging.getLogger(__name__)
_MOST_NAMED = 10  # damaged lines that an error names

Parsed = TypeVar("Parsed")


class JsonLines:
    """The objects of one file."""

    def __init__(self, path: pathlib.Path, remedy: str):
        """Names the file; it and its folder are made when something is appended.

        Args:
          path: of the file.
          remedy: what to do about damaged lines, for the error.
        """
        self.path = path
        self._remedy = remedy

    def read(
        self,
        parse: Callable[[dict[str, Any]], Parsed],
        warn: Callable[[str], None] = _LOGGER.warning,
    ) -> list[Parsed]:
        """Returns what `parse` makes of the objects, in the order of the lines.

        Args:
          parse: of an object; raises ValueError with the reason if a field is wrong.
          warn: is given one line if there are lines of an older version, which have no
            check sum.

        Raises:
          UserError: a line is damaged, or the file is of a newer version or cannot be
            read.
        """
        parsed, damaged, num_unchecked = [], [], 0
        for number, line in self._lines():
            try:
                found = sealed_json.parse(line, FORMAT_VERSION)
                parsed.append(parse(found.values))
                num_unchecked += not found.is_checked
            except sealed_json.NewerVersion as error:
                raise sealed_json.newer_version(
                    self.path, error.version, FORMAT_VERSION
                ) from error
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
          objects: to write.
          parse: as for `read`, which must not refuse later what is written now.

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
        """Makes the file hold exactly these objects, at once.

        Raises:
          UserError: the file cannot be written.
        """
        atomic.write(self.path, b"".join(_to_lines(objects)))

    def _lines(self) -> list[tuple[int, bytes]]:
        """Returns number and text of all lines but empty ones and a torn last one."""
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
            # A line of another process is whole before ours begins.
            fcntl.flock(file, fcntl.LOCK_EX)
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
    """Whether the end of a file, after its last newline, is a line, and not torn."""
    try:
        sealed_json.loads(last)
    except sealed_json.Damaged:
        return False
    return True


def _end_last_line(file: BinaryIO) -> bytes:
    """Cuts off a torn last line; returns what is to stand before the next one."""
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
