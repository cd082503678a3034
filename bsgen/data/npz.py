"""Images and labels in NumPy archives (.npz); nothing is ever unpickled."""

import pathlib
import zipfile
import zlib

import numpy as np

from bsgen import errors
from bsgen.data import labelled_images


def is_folder(folder: pathlib.Path, name: str) -> bool:
    """Whether a folder holds NAME_train.npz or NAME_test.npz."""
    return any(_path(folder, name, split).is_file() for split in ("train", "test"))


def read_folder(
    folder: pathlib.Path, name: str, split: str
) -> labelled_images.LabelledImages:
    """Reads arrays `images` and `labels` of NAME_train.npz or NAME_test.npz.

    Raises:
      UserError: the file is missing or damaged, or does not hold what it should.
    """
    return _read(_path(folder, name, split), "images", "labels")


def read_file(path: pathlib.Path, split: str) -> labelled_images.LabelledImages:
    """Reads x_train and y_train, or x_test and y_test: Keras' names, in one file.

    Raises:
      UserError: the file is missing or damaged, or does not hold what it should.
    """
    return _read(path, f"x_{split}", f"y_{split}")


def _path(folder: pathlib.Path, name: str, split: str) -> pathlib.Path:
    return folder / f"{name}_{split}.npz"


def _read(
    path: pathlib.Path, images_key: str, labels_key: str
) -> labelled_images.LabelledImages:
    try:
        with path.open("rb") as file, zipfile.ZipFile(file):
            pass  # An archive at all: NumPy would also take single arrays and pickles.
        with np.load(path, allow_pickle=False) as archive:
            present = sorted(archive.files)
            arrays = [archive[k] for k in (images_key, labels_key) if k in present]
    except FileNotFoundError as error:
        raise errors.UserError("source", str(path), "there is no such file") from error
    except (
        OSError,
        EOFError,
        ValueError,
        MemoryError,
        RuntimeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        remedy = f"not a readable .npz file ({reason}); get it again"
        raise errors.UserError("source", str(path), remedy) from error
    if len(arrays) < 2:
        remedy = f"needs arrays {images_key!r} and {labels_key!r}, but holds {present}"
        raise errors.UserError("source", str(path), remedy)
    return labelled_images.check(arrays[0], arrays[1], path)
