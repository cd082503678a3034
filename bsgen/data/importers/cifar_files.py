"""Reads the original files of CIFAR-10 and CIFAR-100, binary or Python pickles.

They are described at https://www.cs.toronto.edu/~kriz/cifar.html. An image is 3072
bytes: red, green and blue, each row by row. A binary file holds records of the label
(CIFAR-100: the coarse one, then the fine one) and the image; a pickle is a dictionary
with the images as rows of `data`, and lists of labels. They are read from a folder or
from the .tar.gz archive, in memory; an archive is read to its end, where its checksum
is. Coarse labels are not read, because they follow from the fine ones.
"""

import tarfile
from pathlib import Path

import numpy as np

from bsgen import errors
from bsgen.data.image_dataset import ImageDataset, OriginalFiles
from bsgen.data.importers import labelled_images, restricted_pickle, source_files
from bsgen.data.importers.labelled_images import LabelledImages

_IMAGE_BYTES = 3072
# The largest real file, train of CIFAR-100, has 155 MB; an archive a little more.
_LARGEST_FILE = 2**29
_LARGEST_ARCHIVE = 2**30


def is_archive(path: Path) -> bool:
    """Whether a file is a tar archive, compressed or not, by its first bytes."""
    with source_files.opened(path) as file:
        try:
            tarfile.TarInfo.frombuf(file.read(tarfile.BLOCKSIZE), "utf-8", "replace")
        except tarfile.HeaderError:
            return False
    return True


def is_folder(dataset: ImageDataset, folder: Path) -> bool:
    """Whether a folder holds original files of a dataset, their folder or archive."""
    found = any(_place(form, folder) for form in dataset.original_files)
    return found or _find_archive(dataset, folder) is not None


def read_folder(dataset: ImageDataset, folder: Path, split: str) -> LabelledImages:
    """Reads a split from the original files; unpacked ones are preferred."""
    for form in dataset.original_files:
        place = _place(form, folder)
        if place is not None:
            return _read_unpacked(dataset, form, place, split)
    archive = _find_archive(dataset, folder)
    return read_archive(dataset, archive or folder, split)


def read_archive(dataset: ImageDataset, path: Path, split: str) -> LabelledImages:
    """Reads a split from the archive of the files."""
    names_of = {
        form: [f"{form.folder}/{name}" for name in form.files(split)]
        for form in dataset.original_files
    }
    contents = _unpack(path, {name for names in names_of.values() for name in names})
    for form, names in names_of.items():
        missing = [name for name in names if name not in contents]
        if not missing:
            decoded = (
                _decode(dataset, form, contents[n], f"{path}:{n}") for n in names
            )
            return _join([*decoded])
        if len(missing) < len(names):
            remedy = f"{missing[0]} is missing in this archive"
            raise errors.UserError("source", str(path), remedy)
    remedy = f"this archive holds no original files of {dataset.name}"
    raise errors.UserError("source", str(path), f"{remedy} for {split}")


def _place(form: OriginalFiles, folder: Path) -> Path | None:
    """Returns where unpacked files of a form lie: the folder or the one in it."""
    for place in (folder, folder / form.folder):
        if any((place / name).is_file() for name in (*form.train, *form.test)):
            return place
    return None


def _find_archive(dataset: ImageDataset, folder: Path) -> Path | None:
    """Returns the archive of a dataset that a folder holds under its own name."""
    places = (folder / form.archive for form in dataset.original_files)
    return next((place for place in places if place.is_file()), None)


def _read_unpacked(
    dataset: ImageDataset, form: OriginalFiles, place: Path, split: str
) -> LabelledImages:
    parts = []
    for name in form.files(split):
        path = place / name
        if not path.exists():
            remedy = f"{name} is missing in this folder"
            raise errors.UserError("source", str(place), remedy)
        content = source_files.read(path, _LARGEST_FILE)
        parts.append(_decode(dataset, form, content, str(path)))
    return _join(parts)


def _unpack(path: Path, wanted: set[str]) -> dict[str, bytes]:
    """Returns the wanted members of an archive, by name; nothing touches the disk."""
    contents: dict[str, bytes] = {}
    total = 0
    with source_files.opened(path) as file:
        try:
            with tarfile.open(fileobj=file, mode="r|") as archive:
                for member in archive:
                    name = member.name.removeprefix("./")
                    total += member.size
                    if total > _LARGEST_ARCHIVE:
                        raise tarfile.ReadError(f"{name} claims {member.size} bytes")
                    if name not in wanted or not member.isfile():
                        continue
                    if name in contents:
                        raise tarfile.ReadError(f"it holds {name} twice")
                    extracted = archive.extractfile(member)
                    contents[name] = extracted.read() if extracted else b""
        except tarfile.TarError as error:
            remedy = f"not a readable archive ({error}); get it again"
            raise errors.UserError("source", str(path), remedy) from error
        source_files.skip(file, _LARGEST_ARCHIVE, path)
    return contents


def _decode(
    dataset: ImageDataset, form: OriginalFiles, content: bytes, source: str
) -> LabelledImages:
    try:
        if form.labels_key:
            pixels, labels = _decode_pickle(content, form.labels_key)
        else:
            pixels, labels = _decode_records(content, form.labels_per_record)
    except ValueError as error:
        raise errors.UserError("source", source, f"{error}; get it again") from error
    images = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return labelled_images.check(dataset, images, labels, source)


def _join(parts: list[LabelledImages]) -> LabelledImages:
    images, labels = zip(*parts, strict=True)
    return np.concatenate(images), np.concatenate(labels)


def _decode_records(content: bytes, num_labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Reads records of labels, the fine one last, and an image."""
    size = num_labels + _IMAGE_BYTES
    if not content or len(content) % size:
        remedy = f"its {len(content)} bytes are not a whole number of records of {size}"
        raise ValueError(f"{remedy} bytes: it is damaged or another dataset")
    records = np.frombuffer(content, np.uint8).reshape(-1, size)
    return records[:, num_labels:], records[:, num_labels - 1]


def _decode_pickle(content: bytes, labels_key: str) -> tuple[np.ndarray, np.ndarray]:
    """Reads a pickled dictionary, its keys in bytes (Python 2) or text."""
    found = restricted_pickle.loads(content)
    present = {
        key.decode() if isinstance(key, bytes) else key: value
        for key, value in found.items()
    }
    pixels, labels = present.get("data"), present.get(labels_key)
    if not isinstance(pixels, np.ndarray) or pixels.shape[1:] != (_IMAGE_BYTES,):
        raise ValueError(f"its 'data' is no array [n, {_IMAGE_BYTES}]")
    if isinstance(labels, np.ndarray):
        return pixels, labels
    if not isinstance(labels, list) or any(type(label) is not int for label in labels):
        raise ValueError(f"its {labels_key!r} is no list of integers")
    return pixels, np.array(labels)
