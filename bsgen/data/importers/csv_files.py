"""MNIST and Fashion-MNIST as comma-separated text: a line is a label and 784 pixels.

With a line of names above them (Kaggle's "MNIST in CSV", "Fashion MNIST") or without
(https://pjreddie.com/projects/mnist-in-csv). Kaggle's competition has a test file
without labels, which is refused.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from bsgen import errors
from bsgen.data.image_dataset import ImageDataset
from bsgen.data.importers import labelled_images, source_files
from bsgen.data.importers.labelled_images import LabelledImages

_LONGEST_LINE = 2**16
_ROWS_AT_ONCE = 10_000
_MOST_ROWS = 100_000  # MNIST has 70,000


def is_file(dataset: ImageDataset, path: Path) -> bool:
    """Whether the first line of a file has as many columns as label and pixels."""
    with source_files.opened(path) as file:
        return _num_columns(file) in _columns(dataset)


def read_file(dataset: ImageDataset, path: Path, split: str) -> LabelledImages:
    """Reads a split from the file or from the one beside it.

    Raises:
      UserError: their names do not say which split is which; see `read_folder`.
    """
    if path not in [_find(dataset, path.parent, each) for each in ("train", "test")]:
        remedy = f"a CSV file holds one split: name two {dataset.name}_train.csv and "
        remedy += f"{dataset.name}_test.csv, and give their folder"
        raise errors.UserError("source", str(path), remedy)
    return read_folder(dataset, path.parent, split)


def is_folder(dataset: ImageDataset, folder: Path) -> bool:
    """Whether a folder holds a file of a grey dataset; see `read_folder`."""
    return any(_find(dataset, folder, split) for split in ("train", "test"))


def read_folder(dataset: ImageDataset, folder: Path, split: str) -> LabelledImages:
    """Reads NAME_SPLIT.csv, or SPLIT.csv, compressed or not."""
    path = _find(dataset, folder, split)
    if path is None:
        remedy = f"{dataset.name}_{split}.csv is missing in this folder"
        raise errors.UserError("source", str(folder), remedy)
    with source_files.opened(path) as file:
        found = _num_columns(file)
        with_label, pixels = _columns(dataset)
        if found != with_label:
            remedy = f"its first line has {found} columns, not a label and {pixels} "
            remedy += "pixels"
            if found == pixels:
                remedy += "; a file without labels cannot be used"
            raise errors.UserError("source", str(path), remedy)
        file.seek(0)
        try:
            rows = np.concatenate([*_pieces(file, with_label)])
        except (ValueError, OverflowError) as error:
            reason = str(error).splitlines()[0]
            remedy = f"not lines of {with_label} whole numbers from 0 to 255 ({reason})"
            raise errors.UserError("source", str(path), remedy) from error
    images = rows[:, 1:].reshape(-1, *dataset.input_shape)
    return labelled_images.check(dataset, images, rows[:, 0], path)


def _columns(dataset: ImageDataset) -> tuple[int, int]:
    """How many numbers a line has, and how many of them are pixels."""
    pixels = math.prod(dataset.input_shape)
    return pixels + 1, pixels


def _find(dataset: ImageDataset, folder: Path, split: str) -> Path | None:
    if dataset.input_shape[-1] > 1:  # the order of the colours would be unknown
        return None
    stems = (dataset.name, dataset.name.replace("_", "-"))
    names = [f"{stem}{gap}{split}.csv" for stem in stems for gap in "_-"]
    names.append(f"{split}.csv")
    names += [f"{name}.gz" for name in names]
    places = (folder / name for name in names)
    return next((each for each in places if each.exists() and not each.is_dir()), None)


def _num_columns(file: IO[bytes]) -> int:
    """The number of columns of the first line, 0 if it is no text."""
    line = file.readline(_LONGEST_LINE)
    is_text = line.isascii() and b"\0" not in line
    return line.count(b",") + 1 if is_text and len(line) < _LONGEST_LINE else 0


def _pieces(file: IO[bytes], num_columns: int) -> Iterator[np.ndarray]:
    """Yields the lines as uint8 arrays [n, num_columns]."""
    import pandas as pd

    first = file.readline(_LONGEST_LINE).split(b",")[0].strip()
    file.seek(0)
    lines = pd.read_csv(
        file,
        header=None,
        skiprows=0 if first.isdigit() else 1,
        dtype=np.int64,
        chunksize=_ROWS_AT_ONCE,
        compression=None,
    )
    num_rows = 0
    for piece in lines:
        num_rows += len(piece)
        values = piece.to_numpy()
        if values.shape[1] != num_columns:
            raise ValueError(f"a line of {values.shape[1]}")
        if num_rows > _MOST_ROWS:
            raise ValueError(f"more than {_MOST_ROWS} lines")
        if values.min() < 0 or values.max() > 255:
            raise ValueError(f"{values.min()} to {values.max()}")
        yield values.astype(np.uint8)
