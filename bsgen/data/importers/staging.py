"""Building a TFDS dataset so that it is there whole or not at all.

It grows in a hidden folder beside its place and is moved there when it is complete, so
that whatever interrupts the work leaves nothing that looks prepared; the next attempt
clears up.
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
from collections.abc import Iterator

from bsgen import errors
from bsgen.data import prepared


def check(name: str, data_dir: pathlib.Path, force: bool) -> None:
    """Checks that a dataset may be built there.

    Raises:
      UserError: it is there already, and `force` does not allow to replace it.
    """
    if not force and prepared.find(name, data_dir):
        remedy = f"{name} is prepared there already; add --force to replace it"
        raise errors.UserError("data_dir", str(data_dir), remedy)


@contextlib.contextmanager
def staged(name: str, data_dir: pathlib.Path, force: bool) -> Iterator[pathlib.Path]:
    """Yields an empty folder; NAME/VERSION in it is moved into data_dir at the end.

    Args:
      name: the dataset to build.
      data_dir: the TFDS folder.
      force: whether to replace the dataset if it is prepared already.

    Raises:
      UserError: the dataset is there already, the folder cannot be written, or another
        process is preparing the same dataset.
    """
    check(name, data_dir, force)
    folder = data_dir / f".{name}.preparing"
    try:
        with _locked(folder, name):
            try:
                _clear(folder)
                yield folder
                _publish(folder, name, data_dir)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        remedy = f"cannot be written ({error.strerror or error})"
        raise errors.UserError("data_dir", str(data_dir), remedy) from error


@contextlib.contextmanager
def _locked(folder: pathlib.Path, name: str) -> Iterator[None]:
    """Holds a lock on the folder, which the system releases if the process dies."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        remedy = f"another process is preparing {name} there; wait for it"
        raise errors.UserError("data_dir", str(folder.parent), remedy) from error
    finally:
        os.close(descriptor)


def _clear(folder: pathlib.Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path)


def _publish(folder: pathlib.Path, name: str, data_dir: pathlib.Path) -> None:
    built = prepared.find(name, folder)
    if built is None:
        raise FileNotFoundError(f"no version of {name} was built in {folder}")
    place = data_dir / name / built.name
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        place.rename(folder / "replaced")
    built.rename(place)
