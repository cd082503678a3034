"""Images in folders named by label or class: FOLDER/train/7/NAME.png or train/horse."""

from collections.abc import Container
from pathlib import Path

import numpy as np

from bsgen import errors
from bsgen.data.image_dataset import ImageDataset
from bsgen.data.importers import labelled_images, source_files
from bsgen.data.importers.labelled_images import LabelledImages

_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
_LARGEST_FILE = 2**24  # of an image of 32 x 32 pixels
_MOST_NAMED = 3


def is_folder(dataset: ImageDataset, folder: Path) -> bool:
    """Whether a folder holds a folder train or test."""
    return any((folder / split).is_dir() for split in ("train", "test"))


def read_folder(dataset: ImageDataset, folder: Path, split: str) -> LabelledImages:
    """Reads FOLDER/SPLIT/LABEL/*, sorted by path; a label is a number or a class' name.

    Colours become grey where the dataset is grey. Hidden files are skipped.

    Raises:
      UserError: a folder's name is not a label, it holds no images, or some of them
        cannot be decoded or have another size; the message counts them.
    """
    root = folder / split
    label_of = {name: label for label, name in enumerate(dataset.class_names)}
    label_of |= {str(label): label for label in range(dataset.num_classes)}
    naming = f"their labels, 0 to {dataset.num_classes - 1}"
    if dataset.class_names:
        naming += f", or {dataset.class_names[0]} to {dataset.class_names[-1]}"
    paths = find_images(root, label_of, naming, _SUFFIXES, "LABEL/NAME.png")
    images = _decode_all(paths, dataset.input_shape)
    labels = np.array([label_of[path.parent.name] for path in paths])
    return labelled_images.check(dataset, images, labels, root)


def find_images(
    root: Path,
    labels: Container[str],
    naming: str,
    suffixes: tuple[str, ...],
    example: str,
) -> list[Path]:
    """Returns the paths ROOT/LABEL/NAME of images, sorted by label and name.

    Hidden files are skipped. `naming`, what to name folders by, and `example`, where an
    image may be, are for the errors; `suffixes` are in lower case.

    Raises:
      UserError: a folder has another name, or there are no images.
    """
    folders = sorted(
        path
        for path in root.glob("*")
        if path.is_dir() and not source_files.is_hidden(path)
    )
    for path in folders:
        if path.name not in labels:
            remedy = f"name folders by {naming}"
            raise errors.UserError("source", str(path), remedy)
    paths = [
        path
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in suffixes and not source_files.is_hidden(path)
    ]
    if not paths:
        remedy = f"there are no images in it: put them in {example}"
        raise errors.UserError("source", str(root), remedy)
    return paths


def broken(source: str, reasons: dict[str, str]) -> errors.UserError:
    """Returns the error that counts the broken images in `source`, and names a few.

    Args:
      reasons: what is wrong with each, by its name there.
    """
    named = [f"{name} ({why})" for name, why in sorted(reasons.items())[:_MOST_NAMED]]
    more = len(reasons) - len(named)
    remedy = f"{len(reasons)} broken image{'s' * (len(reasons) > 1)}: "
    remedy += ", ".join(named) + (f", and {more} more" if more else "")
    return errors.UserError("source", source, f"{remedy}; get them again")


def _decode_all(paths: list[Path], shape: tuple[int, ...]) -> np.ndarray:
    images, reasons = [], {}
    for path in paths:
        content = source_files.read(path, _LARGEST_FILE)
        try:
            images.append(_decode(content, shape))
        except ValueError as error:
            reasons["/".join(path.parts[-2:])] = str(error)
    if reasons:
        raise broken(str(paths[0].parents[1]), reasons)
    return np.stack(images)


def _decode(content: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """Decodes an image.

    Raises:
      ValueError: it is broken or of another shape; the message says which.
    """
    import tensorflow as tf

    if not content:
        raise ValueError("empty")
    try:
        image = tf.io.decode_image(content, shape[-1], expand_animations=False).numpy()
    except tf.errors.OpError as error:
        raise ValueError("not a readable image") from error
    if image.shape != shape:
        raise ValueError(f"of shape {image.shape}, not {shape}")
    return image
