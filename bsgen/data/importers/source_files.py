"""Reads files to import: compressed or not, up to a size limit, and with all checks.

A compressed file is recognised by its first bytes, not by its name. It is read in
pieces up to a limit, because a small one can claim any size, and to its end, where its
checksum is.
"""

import bz2
import contextlib
import gzip
import lzma
import os
import pathlib
import stat
import zlib
from collections.abc import Iterator
from typing import IO, Any

from bsgen import errors

# The first bytes of a compressed file, and what opens it.
_COMPRESSED: tuple[tuple[bytes, Any], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\0", lzma.open),
)
_DAMAGES = (OSError, EOFError, zlib.error, lzma.LZMAError)
_PIECE = 2**20


def is_hidden(path: pathlib.Path) -> bool:
    """Whether a file was left by an operating system, such as ._NAME or Thumbs.db."""
    clutter = ("thumbs.db", "desktop.ini", "__macosx")
    return path.name.startswith(".") or path.name.lower() in clutter


@contextlib.contextmanager
def opened(path: pathlib.Path) -> Iterator[IO[bytes]]:
    """Opens a file for reading, decompressed if it is compressed.

    The checksum of a compressed file is compared at its end, so read all of it.

    Raises:
      UserError: it is missing or no regular file (opening a pipe would wait forever),
        or found damaged while it is open.
    """
    require_regular(path)
    try:
        with path.open("rb") as file:
            start = file.read(8)
            file.seek(0)
            opener = next(
                (o for magic, o in _COMPRESSED if start.startswith(magic)), None
            )
            with opener(file) if opener else contextlib.nullcontext(file) as content:
                yield content
    except errors.UserError:
        raise
    except _DAMAGES as error:
        reason = str(error) or type(error).__name__
        remedy = f"cannot be read ({reason}); it is damaged or incomplete: get it again"
        raise errors.UserError("source", str(path), remedy) from error


def require_regular(path: pathlib.Path) -> None:
    """Checks that reading a file ends.

    Raises:
      UserError: it is missing, or a folder, pipe, socket or device.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        remedy = f"cannot be read ({error.strerror})"
        if isinstance(error, FileNotFoundError):
            remedy = "there is no such file"
        raise errors.UserError("source", str(path), remedy) from error
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"
        raise errors.UserError("source", str(path), f"{kind}, not a file")


def read(path: pathlib.Path, limit: int) -> bytes:
    """Returns all of a file, decompressed if it is compressed.

    Raises:
      UserError: it holds more than `limit` bytes, is damaged, or cannot be read.
    """
    with opened(path) as file:
        return read_at_most(file, limit, path)


def read_at_most(
    file: IO[bytes], limit: int, path: pathlib.Path, promise: str = ""
) -> bytes:
    """Returns the rest of an open file.

    Raises:
      UserError: that is more than `limit` bytes; `promise` may say why it must not be.
    """
    promise = promise or f"it is to hold {limit} bytes at most"
    return b"".join(_pieces(file, limit, path, promise))


def skip(file: IO[bytes], limit: int, path: pathlib.Path) -> None:
    """Reads to the end, where the checksum is compared, and discards what it reads.

    Raises:
      UserError: more than `limit` bytes are left.
    """
    for _ in _pieces(file, limit, path, f"at most {limit} bytes are to be left"):
        pass


def _pieces(
    file: IO[bytes], left: int, path: pathlib.Path, promise: str
) -> Iterator[bytes]:
    while piece := file.read(min(_PIECE, left + 1)):
        left -= len(piece)
        if left < 0:
            remedy = f"{promise}, but it has more: it is damaged or another file"
            raise errors.UserError("source", str(path), remedy)
        yield piece
