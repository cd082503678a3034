"""Builds a TFDS dataset whole or not at all.

It is built in a hidden folder and moved to its place when it is complete, so an
interruption leaves nothing that looks prepared; the next attempt cleans up.
"""

import contextlib
import io
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

from bsgen import errors
from bsgen.data import prepared
from bsgen.files import folder_lock


@contextlib.contextmanager
def staged(name: str, data_dir: pathlib.Path, force: bool) -> Iterator[pathlib.Path]:
    """Yields a new folder; NAME/VERSION in it is moved into data_dir at the end.

    Raises:
      UserError: the dataset is there already, the folder cannot be written, or another
        process is preparing the same dataset.
    """
    prepared.check_absent(name, data_dir, force)
    folder = data_dir / f".{name}.preparing"
    try:
        with folder_lock.FolderLock(folder, "data_dir"):
            try:
                for left in folder.iterdir():  # by a killed process; the lock stays
                    if left.is_dir():
                        shutil.rmtree(left)
                yield folder
                _publish(folder, name, data_dir)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        remedy = f"cannot be written ({error.strerror or error})"
        raise errors.UserError("data_dir", str(data_dir), remedy) from error


def store(
    builder: Any,
    splits: dict[str, Iterator[tuple[Any, dict[str, Any]]]],
    folder: pathlib.Path,
    file_format: str | None = None,
) -> None:
    """Writes keys and examples of each split as the dataset of a TFDS builder.

    Args:
      builder: says which version and features `tfds.load` will look for.
      folder: as `staged` yields it.
      file_format: of TFDS; None for its default.
    """
    import tensorflow_datasets as tfds

    # TFDS prints its folder, but this one is about to move.
    with contextlib.redirect_stdout(io.StringIO()):
        tfds.dataset_builders.store_as_tfds_dataset(
            name=builder.name,
            version=str(builder.version),
            features=builder.info.features,
            split_datasets=splits,
            data_dir=folder,
            description=builder.info.description,
            homepage=builder.info.homepage,
            citation=builder.info.citation,
            file_format=file_format,
        )


def _publish(folder: pathlib.Path, name: str, data_dir: pathlib.Path) -> None:
    built = prepared.find(name, folder)
    if built is None:
        raise FileNotFoundError(f"no version of {name} was built in {folder}")
    place = data_dir / name / built.name
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        place.rename(folder / "replaced")
    built.rename(place)
