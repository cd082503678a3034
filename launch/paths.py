"""Flags that name files and folders, and early checks of them."""

import errno
import os
import pathlib
import stat

from absl import flags

from bsgen import errors

flags.disclaim_key_flags()  # the flags belong to the modules that call `define`
_IMPOSSIBLE = (errno.ENAMETOOLONG, errno.ELOOP)


class _PathParser(flags.ArgumentParser[str]):
    """Takes any path; ~ and ~NAME stand for home folders, as in a shell."""

    syntactic_help = "a path"

    def parse(self, argument: str) -> str:
        path = os.path.expanduser(argument)
        if path.startswith("~"):
            raise ValueError(f"there is no home folder {path.partition('/')[0]!r}")
        try:
            os.stat(path)
        except OSError as error:
            if error.errno in _IMPOSSIBLE:
                raise ValueError(error.strerror) from error
        return path


def define(name: str, default: str | None, description: str) -> flags.FlagHolder[str]:
    """Defines a flag that names a file or folder."""
    return flags.DEFINE(_PathParser(), name, default, description)


def check_output(folder: str | os.PathLike, flag: str = "output_dir") -> None:
    """Checks that a folder can be written, or created; creates nothing.

    Args:
      folder: where results will go.
      flag: the flag that named it, for the message.

    Raises:
      UserError: it is a file, or may not be written.
    """
    try:
        nearest = _nearest(pathlib.Path(folder).absolute())
        reason = ""
        if not stat.S_ISDIR(nearest.stat().st_mode):
            reason = f"{nearest} is a file"
        elif not os.access(nearest, os.W_OK | os.X_OK):
            reason = f"{nearest} is read-only"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        remedy = f"cannot write there ({reason}); choose another folder"
        raise errors.UserError(flag, str(folder), remedy)


def _nearest(path: pathlib.Path) -> pathlib.Path:
    """Returns the path, or the nearest of those above it that exists."""
    for each in (path, *path.parents):
        try:
            each.lstat()
        except FileNotFoundError:
            continue
        except NotADirectoryError:
            continue  # a parent is a file, and is found next
        return each
    return path
