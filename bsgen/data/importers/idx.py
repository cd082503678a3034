"""The IDX format of the MNIST files (LeCun et al., 1998), plain or compressed.

Two zero bytes, a type code (0x08 = unsigned byte), the number of axes, the length of
each axis as a big-endian 32-bit integer, then the data in C order; described at
http://yann.lecun.com/exdb/mnist.
"""

import math
import struct
from pathlib import Path

import numpy as np

from bsgen import errors
from bsgen.data.image_dataset import ImageDataset
from bsgen.data.importers import labelled_images, source_files
from bsgen.data.importers.labelled_images import LabelledImages

_UNSIGNED_BYTE = 0x08
# EMNIST, ten times as large as MNIST, has 0.6 GB.
_LARGEST = 2**30
_PREFIXES = {"train": "train", "test": "t10k"}


def is_folder(dataset: ImageDataset, folder: Path) -> bool:
    """Whether a folder holds a file with one of the standard names."""
    return any(
        _find(folder, f"{prefix}-{part}") is not None
        for prefix in _PREFIXES.values()
        for part in ("images-idx3", "labels-idx1")
    )


def read_folder(dataset: ImageDataset, folder: Path, split: str) -> LabelledImages:
    """Reads the images and labels of a split under their standard names."""
    prefix = _PREFIXES[split]
    images_path = _require(folder, f"{prefix}-images-idx3")
    labels_path = _require(folder, f"{prefix}-labels-idx1")
    images, labels = read(images_path, 3), read(labels_path, 1)
    if len(images) != len(labels):
        remedy = f"it holds {len(labels)} labels, but {images_path.name} holds "
        remedy += f"{len(images)} images"
        raise errors.UserError("source", str(labels_path), remedy)
    return labelled_images.check(dataset, images, labels, images_path.parent)


def read(path: Path, num_axes: int) -> np.ndarray:
    """Reads one IDX file of unsigned bytes, and nothing but exactly that.

    Raises:
      UserError: the header is not that of such a file, or the size is not the header's.
    """
    magic = bytes([0, 0, _UNSIGNED_BYTE, num_axes])
    with source_files.opened(path) as file:
        start = file.read(4 + 4 * num_axes)
        if start[:4] != magic or len(start) < 4 + 4 * num_axes:
            remedy = f"not an IDX file of unsigned bytes with {num_axes} axes: its "
            remedy += f"first bytes are {start[:4].hex()!r}, not {magic.hex()!r}"
            raise errors.UserError("source", str(path), remedy)
        shape = struct.unpack(f">{num_axes}I", start[4:])
        size = math.prod(shape)
        promise = f"its header promises {len(start) + size} bytes"
        if size > _LARGEST:
            remedy = f"{promise}, which is no such dataset: get it again"
            raise errors.UserError("source", str(path), remedy)
        content = source_files.read_at_most(file, size, path, promise)
    if len(content) != size:
        remedy = f"{promise}, but it has {len(start) + len(content)}: get it again"
        raise errors.UserError("source", str(path), remedy)
    return np.frombuffer(content, np.uint8).reshape(shape)


def _find(folder: Path, stem: str) -> Path | None:
    # Both spellings of the last part are in circulation.
    names = [f"{stem}-ubyte", f"{stem}-ubyte.gz"]
    names += [name.replace("-idx", ".idx") for name in names]
    # Some programs unpack a file into a folder of its name.
    places = [folder / name for name in names]
    places += [place / place.name for place in places]
    return next((each for each in places if each.exists() and not each.is_dir()), None)


def _require(folder: Path, stem: str) -> Path:
    path = _find(folder, stem)
    if path is None:
        remedy = f"{stem}-ubyte or {stem}-ubyte.gz is missing in this folder"
        raise errors.UserError("source", str(folder), remedy)
    return path
