"""Image datasets that TensorFlow Datasets prepares, and that fit in memory."""

import dataclasses
import functools
import pathlib

import numpy as np

from bsgen import errors
from bsgen.config import DataConfig
from bsgen.data import prepared
from bsgen.data.pool import Pool


@dataclasses.dataclass(frozen=True)
class OriginalFiles:
    """One form in which CIFAR is published, with files of its own.

    Attributes:
      archive: the name of the archive.
      folder: what it unpacks to.
      train, test: the names of the files of each split.
      labels_per_record: of binary files, the labels before each image, the fine one
        last.
      labels_key: of pickled dictionaries, the key of the labels; "" for binary files.
    """

    archive: str
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    labels_per_record: int = 0
    labels_key: str = ""

    def files(self, split: str) -> tuple[str, ...]:
        """Returns the names of the files of "train" or "test"."""
        return self.train if split == "train" else self.test


@dataclasses.dataclass(frozen=True)
class ImageDataset(prepared.PreparedDataset):
    """An entry of the registry; a subclass is not needed for another dataset of TFDS.

    Attributes:
      name, input_shape: as in TFDS; (height, width, channels).
      class_names: in the order of the labels; () if TFDS has none.
      superclass_names: what TFDS calls the coarse labels, likewise.
      superclasses: the coarse label of each class; () without them.
      torchvision_folder: where torchvision keeps its files below its root; "" if there.
      original_files: the forms in which its archives are published, if any are read.
    """

    class_names: tuple[str, ...] = ()
    superclass_names: tuple[str, ...] = ()
    superclasses: tuple[int, ...] = ()
    torchvision_folder: str = ""
    original_files: tuple[OriginalFiles, ...] = ()

    def load(self, settings: DataConfig, data_dir: str | None = None) -> Pool:
        """Returns inputs [P, height, width, channels] uint8, the training set first."""
        return read(self, data_dir)


@functools.lru_cache(maxsize=2)
def read(dataset: ImageDataset, data_dir: str | None = None) -> Pool:
    """Reads a prepared dataset.

    TFDS leaves the order of the examples to whoever wrote them. Here they are sorted by
    label and pixels, so that a subset drawn by seed holds the same images whether the
    dataset was downloaded or imported.

    Raises:
      UserError: the dataset is not prepared there, or its files cannot be read.
    """
    folder = dataset.folder(data_dir)
    train_inputs, train_labels = _read_split(dataset, folder, "train")
    test_inputs, test_labels = _read_split(dataset, folder, "test")
    train_size, test_size = len(train_labels), len(test_labels)
    return Pool(
        name=dataset.name,
        inputs=np.concatenate([train_inputs, test_inputs]),
        labels=np.concatenate([train_labels, test_labels]),
        num_classes=dataset.num_classes,
        train_pool=np.arange(train_size),
        test_pool=np.arange(train_size, train_size + test_size),
    )


def _read_split(
    dataset: ImageDataset, folder: pathlib.Path, split: str
) -> tuple[np.ndarray, np.ndarray]:
    import tensorflow as tf
    import tensorflow_datasets as tfds
    from google.protobuf import json_format

    unreadable = (tf.errors.OpError, json_format.ParseError, AssertionError)
    try:
        builder = tfds.builder_from_directory(folder)
        examples = builder.as_dataset(split=split, batch_size=-1)
    except (*unreadable, OSError, ValueError) as error:
        command = f"{dataset.command(folder.parent.parent)} --force"
        remedy = f"its {split} files are damaged; run `{command}` to prepare it again"
        raise errors.UserError("data_dir", str(folder), remedy) from error
    inputs = examples["image"].numpy()
    labels = examples["label"].numpy().astype(np.int32)
    pixels = inputs.reshape(len(inputs), -1)
    rows = np.column_stack([labels.astype(np.uint8), pixels])
    order = np.argsort(rows.view(f"V{rows.shape[1]}").ravel())
    return inputs[order], labels[order]
