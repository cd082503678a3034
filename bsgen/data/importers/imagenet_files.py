"""Prepares ImageNet (`imagenet2012`) for TFDS, in the format that `imagenet` reads.

TFDS cannot download it: register at https://image-net.org/download-images and get
ILSVRC2012_img_train.tar (138 GB) and ILSVRC2012_img_val.tar (6.3 GB), or use a folder
with the unpacked images. Both ways the order of the examples is the same, because TFDS
derives it from the names of the files.
"""

import contextlib
import io
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

from bsgen import errors
from bsgen.data import prepared
from bsgen.data.datasets import imagenet
from bsgen.data.importers import (
    broken_images,
    image_folder,
    source_files,
    staging,
)

_FOLDERS = {"train": "train", "validation": "val"}
_SUFFIXES = (".jpeg", ".jpg")
_LARGEST_FILE = 2**28  # the largest real image has 16 MB


def import_files(
    source: str,
    data_dir: str | None = None,
    force: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> pathlib.Path:
    """Imports ImageNet without a network, and then decodes every image once.

    Args:
      source: a folder with the two tar files, or with the images as
        train/n01440764/*.JPEG and val/n01440764/*.JPEG.
      data_dir: see `PreparedDataset.import_files`, also for the result and the errors.
      force: likewise.
      on_progress: called with the numbers of images decoded and to decode.

    Raises:
      UserError: also if images cannot be decoded, which are counted.
    """
    path = pathlib.Path(source).expanduser()
    root = prepared.resolve_data_dir(data_dir)
    has_tars = all((path / name).is_file() for name in imagenet.TARS)
    if not has_tars and not all((path / each).is_dir() for each in _FOLDERS.values()):
        remedy = f"this folder holds neither {' and '.join(imagenet.TARS)}, nor the "
        remedy += "folders train and val"
        raise errors.UserError("source", source, remedy)
    with staging.staged(imagenet.NAME, root, force) as folder:
        # TFDS prints its folder, but this one is about to move.
        with contextlib.redirect_stdout(io.StringIO()):
            _store(path, has_tars, folder)
        stored = prepared.find(imagenet.NAME, folder)
        if stored is not None:
            broken = broken_images.broken_images(stored, on_progress)
            if broken:
                raise image_folder.broken(source, broken)
    return imagenet.IMAGENET.folder(str(root))


def _store(source: pathlib.Path, has_tars: bool, folder: pathlib.Path) -> None:
    import tarfile

    try:
        (_store_tars if has_tars else _store_folders)(source, folder)
    except errors.UserError:
        raise
    # TFDS says by AssertionError that there are no images, or two of one name.
    except (tarfile.TarError, AssertionError, ValueError, KeyError) as error:
        remedy = f"this is not ImageNet, or damaged ({error}); get it again"
        raise errors.UserError("source", str(source), remedy) from error


def _store_tars(source: pathlib.Path, folder: pathlib.Path) -> None:
    import tensorflow_datasets as tfds

    builder = tfds.builder(imagenet.NAME, data_dir=folder)
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=source),
        file_format=imagenet.FILE_FORMAT,
    )


def _store_folders(source: pathlib.Path, folder: pathlib.Path) -> None:
    import tensorflow_datasets as tfds

    # TFDS's own builder says which version and features tfds.load will look for.
    builder = tfds.builder(imagenet.NAME, data_dir=folder)
    names = set(builder.info.features["label"].names)
    tfds.dataset_builders.store_as_tfds_dataset(
        name=imagenet.NAME,
        version=str(builder.version),
        features=builder.info.features,
        split_datasets={
            split: _images(_label_folders(source / name, names))
            for split, name in _FOLDERS.items()
        },
        data_dir=folder,
        description=builder.info.description,
        homepage=builder.info.homepage,
        citation=builder.info.citation,
        file_format=imagenet.FILE_FORMAT,
    )


def _label_folders(folder: pathlib.Path, names: set[str]) -> list[pathlib.Path]:
    folders = sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and not source_files.is_hidden(path)
    )
    for path in folders:
        if path.name not in names:
            remedy = "name folders by ImageNet's 1000 labels, such as n01440764"
            raise errors.UserError("source", str(path), remedy)
    if not any(_files(path) for path in folders):
        remedy = "there are no images in it: put them in n01440764/NAME.JPEG"
        raise errors.UserError("source", str(folder), remedy)
    return folders


def _images(folders: list[pathlib.Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the images under the keys that TFDS gives them, their files' names."""
    for folder in folders:
        for path in _files(folder):
            image = source_files.read(path, _LARGEST_FILE)
            example = {"file_name": path.name, "image": image, "label": folder.name}
            yield path.name, example


def _files(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in _SUFFIXES and not source_files.is_hidden(path)
    )
