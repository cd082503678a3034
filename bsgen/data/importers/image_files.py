"""Prepares an image dataset for TFDS: imported from files, or downloaded.

Either way `tfds.load(name, data_dir=..., download=False)` reads the result; but
ImageNet, stored for access in any order, is read by `tfds.data_source(name,
data_dir=...)`. Writing needs `importlib_resources`, which TFDS does not declare.
"""

import contextlib
import io
import os
import pathlib
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bsgen import errors
from bsgen.data import image_dataset, prepared
from bsgen.data.datasets import imagenet
from bsgen.data.importers import (
    cifar_files,
    csv_files,
    idx,
    image_folder,
    imagenet_files,
    labelled_images,
    npz,
    source_files,
    staging,
)

_SPLITS = ("train", "test")
_NO_PICKLES = (
    "a pickle such as mnist.pkl.gz is not read, since it could run any program: get "
    "the IDX files instead"
)


def check(
    name: str, source: str = "", data_dir: str | None = None, force: bool = False
) -> None:
    """Checks at once what can be checked without reading or downloading anything.

    Args:
      name: of a dataset.
      source: as for `import_files`; "" to download.
      data_dir: as for `import_files`.
      force: likewise.

    Raises:
      UserError: there is no such dataset or source, it cannot be downloaded, or it is
        prepared already.
    """
    if not source:
        check_download(name)
    _check_name(name)
    if source and not os.path.exists(source):
        raise errors.UserError("source", source, "there is no such file or folder")
    staging.check(name, prepared.resolve_data_dir(data_dir), force)


def import_files(
    name: str,
    source: str,
    data_dir: str | None = None,
    force: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> pathlib.Path:
    """Imports a dataset from files, without a network.

    Args:
      name: one of `image_dataset.NAMES`, or `imagenet.NAME`.
      source: one .npz file with x_train, y_train, x_test and y_test; or a folder with
        NAME_train.npz and NAME_test.npz (arrays `images` and `labels`; instead of each,
        also the only NAME_train_ANYTHING.npz), or with the original files (of MNIST
        the four IDX files, compressed or not; of CIFAR those of the binary or of the
        Python version, or the folder or the archive they come in), also where
        torchvision keeps them below its root, or with NAME_train.csv and NAME_test.csv,
        or with images in train/LABEL/ and test/LABEL/. For ImageNet see
        `imagenet_import`.
      data_dir: the TFDS folder, made if missing; see `prepared.resolve_data_dir`.
      force: whether to replace the dataset if it is prepared already.
      on_progress: called with the numbers of images checked and to check, where that
        takes long.

    Returns:
      The folder of the prepared dataset.

    Raises:
      UserError: the files are missing, damaged or not such a dataset, or the folder
        cannot be written, or holds the dataset already.
    """
    _check_name(name)
    if name == imagenet.NAME:
        return imagenet_files.import_files(source, data_dir, force, on_progress)
    dataset = image_dataset.by_name(name)
    root = prepared.resolve_data_dir(data_dir)
    with staging.staged(name, root, force) as folder:
        examples = {split: _read(dataset, source, split) for split in _SPLITS}
        _store(dataset, examples, folder)
    return _prepared(name, root)


def download(
    name: str, data_dir: str | None = None, force: bool = False
) -> pathlib.Path:
    """Downloads a dataset through TFDS; the raw files stay in data_dir/downloads.

    Arguments, result and errors are those of `import_files`; a network that cannot be
    reached is an error too, which TFDS reports after some minutes.
    """
    import tensorflow_datasets as tfds

    check_download(name)
    root = prepared.resolve_data_dir(data_dir)
    with staging.staged(name, root, force) as folder:
        builder = tfds.builder(name, data_dir=folder)
        try:
            builder.download_and_prepare(download_dir=root / "downloads")
        except (
            OSError,  # Among them every error of the network.
            tfds.download.DownloadError,
            tfds.download.download_manager.NonMatchingChecksumError,
        ) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            remedy = f"the download failed ({reason}); try again, or add --source=PATH "
            remedy += "to import files offline"
            raise errors.UserError("dataset", name, remedy) from error
    return _prepared(name, root)


def check_download(name: str) -> None:
    """Checks at once that a dataset is one of those that can be downloaded.

    Raises:
      UserError: it is not; the message says what to do instead.
    """
    _check_name(name)
    if name == imagenet.NAME:
        remedy = "cannot be downloaded without an account: register at image-net.org, "
        remedy += f"get {' and '.join(imagenet_files.TARS)}, and add --source=FOLDER"
        raise errors.UserError("dataset", name, remedy)


def _check_name(name: str) -> None:
    """Refuses a name that TFDS has and we have not."""
    known = (*image_dataset.NAMES, imagenet.NAME)
    if name not in known:
        raise errors.unknown_name("dataset", name, known)


def _prepared(name: str, root: pathlib.Path) -> pathlib.Path:
    prepared.load.cache_clear()
    folder = prepared.find(name, root)
    if folder is None:
        raise errors.UserError(
            "data_dir", str(root), f"{name} vanished; prepare it again"
        )
    return folder


def _read(
    dataset: image_dataset.ImageDataset, source: str, split: str
) -> labelled_images.LabelledImages:
    path = pathlib.Path(source).expanduser()
    if not path.exists():
        raise errors.UserError("source", source, "there is no such file or folder")
    if not path.is_dir():
        return _read_file(dataset, path, split)
    torchvision = pathlib.Path(dataset.torchvision_folder)
    for folder in (path, path / torchvision, path / torchvision.name):
        if npz.is_folder(dataset, folder):
            return npz.read_folder(dataset, folder, split)
        if cifar_files.is_folder(dataset, folder):
            return cifar_files.read_folder(dataset, folder, split)
        archive = cifar_files.find_archive(dataset, folder)
        if archive is not None:
            return cifar_files.read_archive(dataset, archive, split)
        if idx.is_folder(folder):
            return idx.read_folder(dataset, folder, split)
        if csv_files.is_folder(dataset, folder):
            return csv_files.read_folder(dataset, folder, split)
        if image_folder.is_folder(folder):
            return image_folder.read_folder(dataset, folder, split)
    remedy = f"this folder holds neither {dataset.name}_train.npz, nor the original "
    remedy += f"files of {dataset.name}, nor {dataset.name}_train.csv, nor a folder "
    raise errors.UserError("source", source, f"{remedy}train; {_NO_PICKLES}")


def _read_file(
    dataset: image_dataset.ImageDataset, path: pathlib.Path, split: str
) -> labelled_images.LabelledImages:
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
    dataset: image_dataset.ImageDataset,
    examples: dict[str, labelled_images.LabelledImages],
    folder: pathlib.Path,
) -> None:
    import tensorflow_datasets as tfds

    # TFDS's own builder says which version and features tfds.load will look for.
    builder = tfds.builder(dataset.name, data_dir=folder)
    features = builder.info.features
    if dataset.class_names:
        features["label"].names = dataset.class_names
    if dataset.superclass_names:
        features["coarse_label"].names = dataset.superclass_names
    # TFDS announces its folder, but this one is about to move.
    with contextlib.redirect_stdout(io.StringIO()):
        tfds.dataset_builders.store_as_tfds_dataset(
            name=dataset.name,
            version=str(builder.version),
            features=features,
            split_datasets={
                split: _keyed(dataset, split, *pair, names=set(features))
                for split, pair in examples.items()
            },
            data_dir=folder,
            description=builder.info.description,
            homepage=builder.info.homepage,
            citation=builder.info.citation,
        )


def _keyed(
    dataset: image_dataset.ImageDataset,
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
