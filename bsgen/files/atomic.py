"""Files that are there whole or not at all, whatever interrupts the writing.

A file is written beside its place under a name that carries the process, brought to the
disk and moved: at any moment the place holds the old content or the new one.
"""

import errno
import os
import pathlib
import shutil
from collections.abc import Callable

from bsgen import errors


def write(path: pathlib.Path, content: bytes | memoryview) -> None:
    """Writes a file, which is on the disk when this returns; folders are made.

    Raises:
      UserError: the place cannot be written; what was there before still is.
    """
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)  # there only if something went wrong
        _sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path.parent, error) from error


def write_by(path: pathlib.Path, save: Callable[[pathlib.Path], None]) -> None:
    """Writes a file by a function that wants a path of the file's own name.

    Args:
      path: where the file is to lie; folders are made.
      save: writes the file to the path that it is given.

    Raises:
      UserError: the place cannot be written; what was there before still is.
    """
    beside = _temporary(path)
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


def cannot_write(folder: pathlib.Path, error: OSError) -> errors.UserError:
    """Returns the error for an output folder that the system refuses to write."""
    remedy = f"cannot write there ({error.strerror or error}); choose another folder"
    return errors.UserError("output_dir", str(folder), remedy)


def remove_stale(folder: pathlib.Path, pattern: str) -> None:
    """Removes what processes that died while writing left beside their places.

    Args:
      folder: where the files lie.
      pattern: shell pattern of the names that the files were to have.
    """
    for path in folder.glob(f".{pattern}.*"):
        process = path.suffix[1:]
        if process.isdecimal() and not _is_alive(int(process)):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _temporary(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f".{path.name}.{os.getpid()}")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)  # signal 0 only asks
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # alive, and another user's
    return True


def _sync_folder(folder: pathlib.Path) -> None:
    """Brings the folder's list of names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise  # those two: a file system that keeps no such list to bring
    finally:
        os.close(descriptor)
