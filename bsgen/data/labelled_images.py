"""What every file of images and labels must hold before it is imported."""

import pathlib

import numpy as np

from bsgen import errors
from bsgen.data import prepared

# Images [n, 28, 28, 1] uint8 and labels [n] int64.
LabelledImages = tuple[np.ndarray, np.ndarray]


def check(
    images: np.ndarray, labels: np.ndarray, source: str | pathlib.Path
) -> LabelledImages:
    """Returns the images with a channel axis and the labels, in the types to store.

    Args:
      images: [n, 28, 28] or [n, 28, 28, 1], whole numbers from 0 to 255 of any type.
      labels: [n] or [n, 1], integers from 0 to 9.
      source: where they come from, for the message.

    Raises:
      UserError: anything else.
    """
    return _images(images, source), _labels(labels, len(images), source)


def _images(images: np.ndarray, source: str | pathlib.Path) -> np.ndarray:
    if images.shape[1:] not in (prepared.IMAGE_SHAPE, prepared.IMAGE_SHAPE[:-1]):
        raise _error(source, f"its images have shape {images.shape}, not [n, 28, 28]")
    if not len(images):
        raise _error(source, "it holds no images")
    if images.dtype != np.uint8:
        if images.dtype.kind not in "iuf":
            raise _error(source, f"its images have type {images.dtype}, not uint8")
        if not np.isfinite(images).all():
            raise _error(source, "its images hold NaN or infinite values")
        if images.min() < 0 or images.max() > 255 or np.any(images % 1):
            raise _error(source, "its pixels are not whole numbers from 0 to 255")
    return images.astype(np.uint8).reshape(-1, *prepared.IMAGE_SHAPE)


def _labels(
    labels: np.ndarray, num_images: int, source: str | pathlib.Path
) -> np.ndarray:
    if labels.dtype.kind not in "iu":
        raise _error(source, f"its labels have type {labels.dtype}, not integers")
    if labels.shape not in ((num_images,), (num_images, 1)):
        raise _error(
            source, f"its labels have shape {labels.shape}, for {num_images} images"
        )
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest >= prepared.NUM_CLASSES:
        remedy = f"its labels span {lowest}..{highest}, but must lie in "
        raise _error(source, f"{remedy}0..{prepared.NUM_CLASSES - 1}")
    return labels.astype(np.int64).reshape(-1)


def _error(source: str | pathlib.Path, remedy: str) -> errors.UserError:
    return errors.UserError("source", str(source), remedy)
