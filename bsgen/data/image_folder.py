"""Images in folders named by label or class: FOLDER/train/7/NAME.png or train/horse."""

import pathlib

import numpy as np

from bsgen import errors
from bsgen.data import image_datasets, labelled_images

_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")


def is_folder(folder: pathlib.Path) -> bool:
    """Whether a folder holds a folder train or test."""
    return any((folder / split).is_dir() for split in ("train", "test"))


def read_folder(
    dataset: image_datasets.ImageDataset, folder: pathlib.Path, split: str
) -> labelled_images.LabelledImages:
    """Reads FOLDER/SPLIT/LABEL/*, sorted by path; a label is a number or a class' name.

    Colours become grey where the dataset is grey.

    Raises:
      UserError: a folder's name is not a label, it holds no images, or one of them
        cannot be decoded or has another size.
    """
    root = folder / split
    label_of = {name: label for label, name in enumerate(dataset.class_names)}
    label_of |= {str(label): label for label in range(dataset.num_classes)}
    folders = sorted(path for path in root.glob("*") if path.is_dir())
    for path in folders:
        if path.name not in label_of:
            remedy = f"name folders by their labels, 0 to {dataset.num_classes - 1}"
            if dataset.class_names:
                remedy += f", or {dataset.class_names[0]} to {dataset.class_names[-1]}"
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
    images = np.stack([_decode(path, dataset.image_shape) for path in paths])
    labels = np.array([label_of[path.parent.name] for path in paths])
    return labelled_images.check(dataset, images, labels, root)


def _decode(path: pathlib.Path, shape: tuple[int, int, int]) -> np.ndarray:
    import tensorflow as tf

    try:
        image = tf.io.decode_image(
            tf.io.read_file(str(path)), channels=shape[-1], expand_animations=False
        ).numpy()
    except tf.errors.OpError as error:
        remedy = "not a readable image; get it again"
        raise errors.UserError("source", str(path), remedy) from error
    if image.shape != shape:
        remedy = f"the image has shape {image.shape}, not {shape}"
        raise errors.UserError("source", str(path), remedy)
    return image
