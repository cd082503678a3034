"""Images in folders named by their labels: FOLDER/train/7/anything.png."""

import pathlib

import numpy as np

from bsgen import errors
from bsgen.data import labelled_images, prepared

_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")


def is_folder(folder: pathlib.Path) -> bool:
    """Whether a folder holds a folder train or test."""
    return any((folder / split).is_dir() for split in ("train", "test"))


def read_folder(folder: pathlib.Path, split: str) -> labelled_images.LabelledImages:
    """Reads FOLDER/SPLIT/LABEL/*, sorted by path; colours become grey.

    Raises:
      UserError: a folder's name is not a label, it holds no images, or one of them
        cannot be decoded or has another size.
    """
    root = folder / split
    names = {str(label) for label in range(prepared.NUM_CLASSES)}
    folders = sorted(path for path in root.glob("*") if path.is_dir())
    for path in folders:
        if path.name not in names:
            remedy = f"name folders by their labels, 0 to {prepared.NUM_CLASSES - 1}"
            raise errors.UserError("source", str(path), remedy)
    paths = [
        path
        for labelled in folders
        for path in sorted(labelled.iterdir())
        if path.suffix.lower() in _SUFFIXES
    ]
    if not paths:
        remedy = "there are no images in it: put them in LABEL/NAME.png"
        raise errors.UserError("source", str(root), remedy)
    images = np.stack([_decode(path) for path in paths])
    labels = np.array([int(path.parent.name) for path in paths])
    return labelled_images.check(images, labels, root)


def _decode(path: pathlib.Path) -> np.ndarray:
    import tensorflow as tf

    try:
        image = tf.io.decode_image(
            tf.io.read_file(str(path)), channels=1, expand_animations=False
        ).numpy()
    except tf.errors.OpError as error:
        remedy = "not a readable image; get it again"
        raise errors.UserError("source", str(path), remedy) from error
    if image.shape != prepared.IMAGE_SHAPE:
        remedy = f"the image has shape {image.shape}, not {prepared.IMAGE_SHAPE}"
        raise errors.UserError("source", str(path), remedy)
    return image
