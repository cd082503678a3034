"""Images and labels in NumPy archives (.npz); nothing is ever unpickled."""

import pathlib
import zipfile
import zlib

import numpy as np

from bsgen import errors
from bsgen.data import image_datasets, labelled_images


def is_folder(dataset: image_datasets.ImageDataset, folder: pathlib.Path) -> bool:
    """Whether a folder holds files of a dataset; see `read_folder` for their names."""
    return any(_paths(folder, dataset.name, split) for split in ("train", "test"))


def read_folder(
    dataset: image_datasets.ImageDataset, folder: pathlib.Path, split: str
) -> labelled_images.LabelledImages:
    """Reads arrays `images` and `labels` of NAME_SPLIT.npz.

    Where there is no such file, the only one named NAME_SPLIT_ANYTHING.npz is read.

    Raises:
      UserError: the file is missing or damaged, or does not hold what it should, or it
        is not clear which one is meant.
    """
    paths = _paths(folder, dataset.name, split)
    if len(paths) > 1:
        found = ", ".join(path.name for path in paths)
        remedy = f"{found} are all files for {split}; name one {dataset.name}_{split}"
        raise errors.UserError("source", str(folder), f"{remedy}.npz")
    path = paths[0] if paths else folder / f"{dataset.name}_{split}.npz"
    return _read(dataset, path, "images", "labels")


def read_file(
    dataset: image_datasets.ImageDataset, path: pathlib.Path, split: str
) -> labelled_images.LabelledImages:
    """Reads x_train and y_train, or x_test and y_test: Keras' names, in one file.

    Raises:
      UserError: the file is missing or damaged, or does not hold what it should.
    """
    return _read(dataset, path, f"x_{split}", f"y_{split}")


def _paths(folder: pathlib.Path, name: str, split: str) -> list[pathlib.Path]:
    exact = folder / f"{name}_{split}.npz"
    return [exact] if exact.is_file() else sorted(folder.glob(f"{exact.stem}_*.npz"))


def _read(
    dataset: image_datasets.ImageDataset,
    path: pathlib.Path,
    images_key: str,
    labels_key: str,
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
    return labelled_images.check(dataset, arrays[0], arrays[1], path)
