"""An append-only file of JSON objects, one a line.

Lines are written whole and are on the disk before the next; a line torn by a crash is
left out on reading. Several processes may append to one file.
"""

import json
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from bsgen import atomic, errors

FORMAT_VERSION = 1  # of the lines; a file of a newer version is refused


class JsonLines:
    """The objects of a file, each with the `version` of its format."""

    def __init__(self, path: pathlib.Path):
        """Names the file; it and its folder are made when something is appended."""
        self.path = path

    def read(self) -> Iterator[dict[str, Any]]:
        """Yields the objects, in the order in which they were appended.

        Raises:
          UserError: the file was written by a newer version.
        """
        if not self.path.exists():
            return
        for line in self.path.read_bytes().splitlines():
            try:
                values = json.loads(line)
            except ValueError:
                continue  # torn by a crash
            if not isinstance(values, dict):
                continue  # not one of ours
            if values.get("version", 0) > FORMAT_VERSION:
                raise errors.UserError(
                    "output_dir",
                    str(self.path.parent),
                    f"{self.path.name} was written by a newer version of bsgen "
                    f"(format {values['version']}, this one reads {FORMAT_VERSION}); "
                    "upgrade bsgen or choose another folder",
                )
            yield values

    def append(self, lines: Sequence[str]) -> None:
        """Appends lines, each with its end; they are on the disk when this returns.

        Raises:
          UserError: the file cannot be written.
        """
        try:
            self._append("".join(lines).encode())
        except OSError as error:
            raise atomic.cannot_write(self.path.parent, error) from error

    def _append(self, text: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # O_APPEND: several processes may write to one folder, each line stays whole.
        with open(self.path, "a+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            if file.read(1) not in (b"", b"\n"):
                text = b"\n" + text  # after a torn line
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
