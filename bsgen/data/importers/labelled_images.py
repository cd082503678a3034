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

    def error(remedy: str) -> errors.UserError:
        return errors.UserError("source", str(source), remedy)

    shape = dataset.input_shape
    plain = shape[:-1] if shape[-1] == 1 else shape
    if images.shape[1:] not in (shape, plain):
        expected = ", ".join(map(str, plain))
        remedy = f"its images have shape {images.shape}, not [n, {expected}]"
        raise error(remedy)
    if not len(images):
        raise error("it holds no images")
    if images.dtype != np.uint8:
        if images.dtype.kind not in "iuf":
            raise error(f"its images have type {images.dtype}, not uint8")
        if not np.isfinite(images).all():
            raise error("its images hold NaN or infinite values")
        if images.min() < 0 or images.max() > 255 or np.any(images % 1):
            raise error("its pixels are not whole numbers from 0 to 255")
    if labels.dtype.kind not in "iu":
        raise error(f"its labels have type {labels.dtype}, not integers")
    if labels.shape not in ((len(images),), (len(images), 1)):
        raise error(f"its labels have shape {labels.shape}, for {len(images)} images")
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest >= dataset.num_classes:
        remedy = f"its labels span {lowest}..{highest}, but must lie in "
        raise error(f"{remedy}0..{dataset.num_classes - 1}")
    pixels = images.astype(np.uint8).reshape(-1, *shape)
    return pixels, labels.astype(np.int64).reshape(-1)
