"""Checks images and labels from any file before they are imported."""

from pathlib import Path

import numpy as np

from bsgen import errors
from bsgen.data.image_dataset import ImageDataset

# Images [n, height, width, channels] uint8 and labels [n] int64.
LabelledImages = tuple[np.ndarray, np.ndarray]


def check(
    dataset: ImageDataset, images: np.ndarray, labels: np.ndarray, source: str | Path
) -> LabelledImages:
    """Returns the images with a channel axis and the labels, in the types to store.

    Args:
      dataset: that they are to be of.
      images: [n, height, width, channels] or, if grey, [n, height, width], whole
        numbers from 0 to 255 of any type.
      labels: [n] or [n, 1], integers from 0 to the number of classes - 1.
      source: where they come from, for the error.

    Raises:
      UserError: they are something else.
    """
    return (
        _images(images, dataset.input_shape, source),
        _labels(labels, len(images), dataset.num_classes, source),
    )


def _images(
    images: np.ndarray, shape: tuple[int, ...], source: str | Path
) -> np.ndarray:
    plain = shape[:-1] if shape[-1] == 1 else shape
    if images.shape[1:] not in (shape, plain):
        expected = ", ".join(map(str, plain))
        remedy = f"its images have shape {images.shape}, not [n, {expected}]"
        raise _error(source, remedy)
    if not len(images):
        raise _error(source, "it holds no images")
    if images.dtype != np.uint8:
        if images.dtype.kind not in "iuf":
            raise _error(source, f"its images have type {images.dtype}, not uint8")
        if not np.isfinite(images).all():
            raise _error(source, "its images hold NaN or infinite values")
        if images.min() < 0 or images.max() > 255 or np.any(images % 1):
            raise _error(source, "its pixels are not whole numbers from 0 to 255")
    return images.astype(np.uint8).reshape(-1, *shape)


def _labels(
    labels: np.ndarray, num_images: int, num_classes: int, source: str | Path
) -> np.ndarray:
    if labels.dtype.kind not in "iu":
        raise _error(source, f"its labels have type {labels.dtype}, not integers")
    if labels.shape not in ((num_images,), (num_images, 1)):
        raise _error(
            source, f"its labels have shape {labels.shape}, for {num_images} images"
        )
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest >= num_classes:
        remedy = f"its labels span {lowest}..{highest}, but must lie in "
        raise _error(source, f"{remedy}0..{num_classes - 1}")
    return labels.astype(np.int64).reshape(-1)


def _error(source: str | Path, remedy: str) -> errors.UserError:
    return errors.UserError("source", str(source), remedy)
