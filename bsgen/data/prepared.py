"""Image datasets that TensorFlow Datasets has prepared in a folder: find and read them.

Nothing here downloads.
"""

import functools
import os
import pathlib
import re
import shlex

import numpy as np

from bsgen import errors
from bsgen.data import image_dataset, pool

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def resolve_data_dir(data_dir: str | None = None) -> pathlib.Path:
    """Returns the given folder, else $TFDS_DATA_DIR, else ~/tensorflow_datasets."""
    chosen = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return pathlib.Path(chosen).expanduser()


def find(name: str, data_dir: pathlib.Path) -> pathlib.Path | None:
    """Returns the folder of the newest prepared version of `name`, None without one.

    It only looks at files: TFDS itself takes seconds to import, and minutes to give up.
    """
    versions = {}
    for info in data_dir.glob(f"{name}/*/dataset_info.json"):
        match = _VERSION.fullmatch(info.parent.name)
        if match:
            versions[tuple(map(int, match.groups()))] = info.parent
    return versions[max(versions)] if versions else None


def require(name: str, data_dir: str | None = None) -> pathlib.Path:
    """Returns the folder of the newest prepared version of `name`, at once.

    Raises:
      UserError: there is none; the message has the command that prepares it.
    """
    root = resolve_data_dir(data_dir)
    folder = find(name, root)
    if folder is None:
        remedy = (
            f"not prepared in {root}; run `{_command(name, root)}` to download it, or "
            "add --source=PATH to import files offline"
        )
        raise errors.UserError("dataset", name, remedy)
    return folder


@functools.lru_cache(maxsize=2)
def load(name: str, data_dir: str | None = None) -> pool.Pool:
    """Reads a prepared dataset.

    TFDS leaves the order of the examples to whoever wrote them. Here they are sorted by
    label and pixels, so that a subset drawn by seed holds the same images whether the
    dataset was downloaded or imported.

    Args:
      name: one of `image_dataset.NAMES`.
      data_dir: the TFDS folder; see `resolve_data_dir` for None.

    Returns:
      A pool with inputs [P, height, width, channels] uint8, the training set first.

    Raises:
      UserError: the dataset is not prepared there, or its files cannot be read.
    """
    folder = require(name, data_dir)
    train_inputs, train_labels = _read(name, folder, "train")
    test_inputs, test_labels = _read(name, folder, "test")
    train_size, test_size = len(train_labels), len(test_labels)
    return pool.Pool(
        name=name,
        inputs=np.concatenate([train_inputs, test_inputs]),
        labels=np.concatenate([train_labels, test_labels]),
        num_classes=image_dataset.by_name(name).num_classes,
        train_pool=np.arange(train_size),
        test_pool=np.arange(train_size, train_size + test_size),
    )


def _read(name: str, folder: pathlib.Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    import tensorflow as tf
    import tensorflow_datasets as tfds
    from google.protobuf import json_format

    unreadable = (tf.errors.OpError, json_format.ParseError, AssertionError)
    try:
        builder = tfds.builder_from_directory(folder)
        examples = builder.as_dataset(split=split, batch_size=-1)
    except (*unreadable, OSError, ValueError) as error:
        command = f"{_command(name, folder.parent.parent)} --force"
        remedy = f"its {split} files are damaged; run `{command}` to prepare it again"
        raise errors.UserError("data_dir", str(folder), remedy) from error
    inputs = examples["image"].numpy()
    labels = examples["label"].numpy().astype(np.int32)
    order = _content_order(inputs, labels)
    return inputs[order], labels[order]


def _command(name: str, root: pathlib.Path) -> str:
    program = f"python -m launch.prepare_data --dataset={name}"
    return f"{program} --data_dir={shlex.quote(str(root))}"


def _content_order(inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    pixels = inputs.reshape(len(inputs), -1)
    rows = np.column_stack([labels.astype(np.uint8), pixels])
    return np.argsort(rows.view(f"V{rows.shape[1]}").ravel())
