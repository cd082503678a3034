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
from bsgen.data.importers import broken_images, image_folder, source_files, staging

_FOLDERS = {"train": "train", "validation": "val"}
_SUFFIXES = (".jpeg", ".jpg")
_LARGEST_FILE = 2**28  # the largest real image has 16 MB


def import_files(
    dataset: prepared.PreparedDataset,
    source: str,
    data_dir: pathlib.Path,
    force: bool,
    on_progress: Callable[[int, int], None],
) -> None:
    """Imports ImageNet, then decodes every image; see `PreparedDataset.import_files`.

    Args:
      source: a folder with the two tar files, or with the images as
        train/n01440764/*.JPEG and val/n01440764/*.JPEG.

    Raises:
      UserError: also if images cannot be decoded, which are counted.
    """
    path = pathlib.Path(source).expanduser()
    has_tars = all((path / name).is_file() for name in imagenet.TARS)
    if not has_tars and not all((path / each).is_dir() for each in _FOLDERS.values()):
        remedy = f"this folder holds neither {' and '.join(imagenet.TARS)}, nor the "
        remedy += "folders train and val"
        raise errors.UserError("source", source, remedy)
    with staging.staged(dataset.name, data_dir, force) as folder:
        # TFDS prints its folder, but this one is about to move.
        with contextlib.redirect_stdout(io.StringIO()):
            _store(path, has_tars, folder)
        stored = prepared.find(dataset.name, folder)
        if stored is not None:
            broken = broken_images.broken_images(stored, on_progress)
            if broken:
                raise image_folder.broken(source, broken)


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
    naming, example = "ImageNet's 1000 labels, such as n01440764", "n01440764/NAME.JPEG"
    paths = {  # of both splits, before anything is written
        split: image_folder.find_images(
            source / name, names, naming, _SUFFIXES, example
        )
        for split, name in _FOLDERS.items()
    }
    splits = {split: _examples(found) for split, found in paths.items()}
    staging.store(builder, splits, folder, imagenet.FILE_FORMAT)


def _examples(paths: list[pathlib.Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the images under the keys that TFDS gives them, their files' names."""
    for path in paths:
        image = source_files.read(path, _LARGEST_FILE)
        label = path.parent.name
        yield path.name, {"file_name": path.name, "image": image, "label": label}
