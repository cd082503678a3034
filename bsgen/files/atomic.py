"""Writes files whole or not at all, whatever interrupts the writing.

The content goes to a temporary folder beside the file, whose name carries the process,
is flushed to the disk, and then renamed: at any moment the path holds either the old
content or the new.
"""

import errno
import os
import pathlib
import shutil
from collections.abc import Callable

from bsgen import errors


def write(path: pathlib.Path, content: bytes | memoryview) -> None:
    """Writes a file and its folders; see `write_by`."""
    write_by(path, lambda beside: beside.write_bytes(content))


def write_by(path: pathlib.Path, save: Callable[[pathlib.Path], object]) -> None:
    """Writes a file and its folders; it is on the disk when this returns.

    Args:
      path: of the file.
      save: called with a path of the same name; writes the file there.

    Raises:
      UserError: the path cannot be written; an old file is untouched.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.mkdir(parents=True, exist_ok=True)
        try:
            save(beside / path.name)
            with open(beside / path.name, "rb") as file:
                os.fsync(file.fileno())
            os.replace(beside / path.name, path)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path.parent, error) from error


def cannot_write(
    folder: pathlib.Path, error: OSError, argument: str = "output_dir"
) -> errors.UserError:
    """Returns the error for a folder that cannot be written."""
    remedy = f"cannot write there ({error.strerror or error}); choose another folder"
    return errors.UserError(argument, str(folder), remedy)


def remove_stale(folder: pathlib.Path, pattern: str) -> None:
    """Removes what processes that died while writing left of files of a pattern."""
    for path in folder.glob(f".{pattern}.*"):
        process = path.suffix[1:]
        if process.isdecimal() and not _is_alive(int(process)):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)  # signal 0 tests without effect
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # alive, but another user's
    return True


def _sync_folder(folder: pathlib.Path) -> None:
    """Flushes the folder's entries, so that a rename survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise  # those two: the file system cannot flush folders
    finally:
        os.close(descriptor)
