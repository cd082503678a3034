"""Images and labels in NumPy archives (.npz); nothing is ever unpickled.

The header of an array is read first, so that one too large to be of the dataset takes
no memory. Arrays are read to the end of their entry in the archive, where the checksum
is compared.
"""

import math
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from bsgen import errors
from bsgen.data.image_dataset import ImageDataset
from bsgen.data.importers import labelled_images, source_files
from bsgen.data.importers.labelled_images import LabelledImages

_LARGEST_ARRAY = 2**31  # CIFAR in float64 has 1.2 GB
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def is_folder(dataset: ImageDataset, folder: Path) -> bool:
    """Whether a folder holds files of a dataset; see `read_folder` for their names."""
    return any(_paths(folder, dataset.name, split) for split in ("train", "test"))


def read_folder(dataset: ImageDataset, folder: Path, split: str) -> LabelledImages:
    """Reads arrays `images` and `labels` of NAME_SPLIT.npz.

    Where there is no such file, the only one named NAME_SPLIT_ANYTHING.npz is read.

    Raises:
      UserError: the file is missing, damaged or of another dataset, or several might
        be meant.
    """
    paths = _paths(folder, dataset.name, split)
    if len(paths) > 1:
        found = ", ".join(path.name for path in paths)
        remedy = f"{found} are all files for {split}; name one {dataset.name}_{split}"
        raise errors.UserError("source", str(folder), f"{remedy}.npz")
    path = paths[0] if paths else folder / f"{dataset.name}_{split}.npz"
    return _read(dataset, path, "images", "labels")


def read_file(dataset: ImageDataset, path: Path, split: str) -> LabelledImages:
    """Reads x_train and y_train, or x_test and y_test: Keras' names, in one file."""
    return _read(dataset, path, f"x_{split}", f"y_{split}")


def _paths(folder: Path, name: str, split: str) -> list[Path]:
    exact = folder / f"{name}_{split}.npz"
    if exact.exists():
        return [exact]
    found = sorted(folder.glob(f"{exact.stem}_*.npz"))
    return [path for path in found if not path.is_dir()]


def _read(
    dataset: ImageDataset, path: Path, images_key: str, labels_key: str
) -> LabelledImages:
    source_files.require_regular(path)
    try:
        with zipfile.ZipFile(path) as archive:
            present = [name.removesuffix(".npy") for name in archive.namelist()]
            twice = {name for name in present if present.count(name) > 1}
            if twice:
                raise ValueError(f"it holds {min(twice)!r} twice")
            arrays = [
                _read_array(archive, f"{key}.npy")
                for key in (images_key, labels_key)
                if key in present
            ]
    except (
        OSError,
        EOFError,
        ValueError,
        MemoryError,
        RuntimeError,
        SyntaxError,
        TypeError,
        struct.error,
        tokenize.TokenError,  # NumPy raises it for some damaged headers
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        remedy = f"not a readable .npz file ({reason}); get it again"
        raise errors.UserError("source", str(path), remedy) from error
    if len(arrays) < 2:
        remedy = f"needs arrays {images_key!r} and {labels_key!r}, but holds "
        remedy += f"{sorted(present)}"
        raise errors.UserError("source", str(path), remedy)
    return labelled_images.check(dataset, arrays[0], arrays[1], path)


def _read_array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    size = archive.getinfo(name).file_size
    with archive.open(name) as member:
        version = np.lib.format.read_magic(member)
        if version not in _HEADERS:
            raise ValueError(f"{name} has format {version}")
        shape, _, dtype = _HEADERS[version](member)
        claimed = member.tell() + math.prod(shape) * dtype.itemsize
    if claimed > _LARGEST_ARRAY:
        raise ValueError(f"{name} claims {claimed} bytes, which is no such dataset")
    if claimed != size and not dtype.hasobject:
        raise ValueError(f"{name} claims {claimed} bytes, but has {size}")
    with archive.open(name) as member:
        return np.lib.format.read_array(member, allow_pickle=False)
