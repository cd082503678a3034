"""Prepares an image dataset for TFDS: imports it from files, or downloads it.

Either way `tfds.load(name, data_dir=..., download=False)` reads the result. Writing
needs `importlib_resources`, which TFDS does not declare.
"""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bsgen import errors
from bsgen.data import image_dataset, prepared
from bsgen.data.image_dataset import ImageDataset
from bsgen.data.importers import (
    cifar_files,
    csv_files,
    idx,
    image_folder,
    npz,
    source_files,
    staging,
)
from bsgen.data.importers.labelled_images import LabelledImages

_SPLITS = ("train", "test")
# Each has is_folder(dataset, folder), whether a folder holds files of its format, and
# read_folder(dataset, folder, split), which reads the images and labels of "train" or
# "test", and raises a UserError if a file is missing, damaged, or of another dataset.
_FOLDER_READERS = (npz, cifar_files, idx, csv_files, image_folder)
_NO_PICKLES = (
    "a pickle such as mnist.pkl.gz is not read, since it could run any program: get "
    "the IDX files instead"
)


def import_files(
    dataset: ImageDataset,
    source: str,
    data_dir: Path,
    force: bool,
    on_progress: Callable[[int, int], None],
) -> None:
    """Imports a dataset; see `PreparedDataset.import_files`.

    Args:
      source: one .npz file with x_train, y_train, x_test and y_test; or a folder with
        NAME_train.npz and NAME_test.npz (arrays `images` and `labels`; instead of each,
        also the only NAME_train_ANYTHING.npz), or with the original files (of MNIST
        the four IDX files, compressed or not; of CIFAR those of the binary or of the
        Python version, or the folder or the archive they come in), also where
        torchvision keeps them below its root, or with NAME_train.csv and NAME_test.csv,
        or with images in train/LABEL/ and test/LABEL/.
    """
    del on_progress  # it takes seconds
    with staging.staged(dataset.name, data_dir, force) as folder:
        examples = {split: _read(dataset, source, split) for split in _SPLITS}
        _store(dataset, examples, folder)
    image_dataset.read.cache_clear()


def download(dataset: prepared.PreparedDataset, data_dir: Path, force: bool) -> None:
    """Downloads a dataset; see `PreparedDataset.download`."""
    import tensorflow_datasets as tfds

    with staging.staged(dataset.name, data_dir, force) as folder:
        builder = tfds.builder(dataset.name, data_dir=folder)
        try:
            builder.download_and_prepare(download_dir=data_dir / "downloads")
        except (
            OSError,  # every error of the network is one
            tfds.download.DownloadError,
            tfds.download.download_manager.NonMatchingChecksumError,
        ) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            remedy = f"the download failed ({reason}); try again, or add --source=PATH "
            remedy += "to import files offline"
            raise errors.UserError("dataset", dataset.name, remedy) from error
    image_dataset.read.cache_clear()


def _read(dataset: ImageDataset, source: str, split: str) -> LabelledImages:
    path = Path(source).expanduser()
    if not path.exists():
        raise errors.UserError("source", source, "there is no such file or folder")
    if not path.is_dir():
        return _read_file(dataset, path, split)
    torchvision = Path(dataset.torchvision_folder)
    for folder in (path, path / torchvision, path / torchvision.name):
        for reader in _FOLDER_READERS:
            if reader.is_folder(dataset, folder):
                return reader.read_folder(dataset, folder, split)
    remedy = f"this folder holds neither {dataset.name}_train.npz, nor the original "
    remedy += f"files of {dataset.name}, nor {dataset.name}_train.csv, nor a folder "
    raise errors.UserError("source", source, f"{remedy}train; {_NO_PICKLES}")


def _read_file(dataset: ImageDataset, path: Path, split: str) -> LabelledImages:
    source_files.require_regular(path)
    if zipfile.is_zipfile(path):
        return npz.read_file(dataset, path, split)
    if cifar_files.is_archive(path):
        return cifar_files.read_archive(dataset, path, split)
    if csv_files.is_file(dataset, path):
        return csv_files.read_file(dataset, path, split)
    remedy = "neither a whole .npz file, nor an archive of CIFAR, nor lines of a label "
    remedy += "and pixels; of the four IDX files give the folder; "
    raise errors.UserError("source", str(path), remedy + _NO_PICKLES)


def _store(
    dataset: ImageDataset, examples: dict[str, LabelledImages], folder: Path
) -> None:
    import tensorflow_datasets as tfds

    # TFDS's own builder says which version and features tfds.load will look for.
    builder = tfds.builder(dataset.name, data_dir=folder)
    features = builder.info.features
    if dataset.class_names:
        features["label"].names = dataset.class_names
    if dataset.superclass_names:
        features["coarse_label"].names = dataset.superclass_names
    splits = {
        split: _keyed(dataset, split, *pair, names=set(features))
        for split, pair in examples.items()
    }
    staging.store(builder, splits, folder)


def _keyed(
    dataset: ImageDataset,
    split: str,
    images: np.ndarray,
    labels: np.ndarray,
    names: set[str],
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields each example under its number, with the features that TFDS names."""
    for key, (image, label) in enumerate(zip(images, labels, strict=True)):
        example = {"id": f"{split}_{key:05d}", "image": image, "label": label}
        if dataset.superclasses:
            example["coarse_label"] = dataset.superclasses[label]
        yield key, {name: example[name] for name in names}
