"""Random shifts and flips of training images.

He et al. (2016), arXiv:1512.03385, section 4.2: 4 pixels are padded on each side, and a
crop of the original size is taken from the padded image or its horizontal flip. Hoffer
et al. (2017), arXiv:1705.08741, and Smith, Elsen & De (2020) do the same.

Draws are a pure function of the seed and of the place in the endless stream of
training examples (`bsgen.data.sampling.stream`; batch t of constant size B has the
places t B to (t + 1) B - 1), so a resumed run continues with the same draws.
"""

import dataclasses
import functools
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from bsgen import errors
from bsgen.data import random_streams, scaling

if TYPE_CHECKING:
    import tensorflow as tf

# Places drawn at a time: about two of the largest usual batches.
_BLOCK_PLACES = 4096


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Padding, a random crop of the original size, and a horizontal flip.

    Attributes:
      margin: how many pixels are padded on each side.
      fill: what is padded: "mean" for 0 after scaling (the mean, if the scaling
        centres), else the pixel before scaling.
      flip: whether the crop is flipped with probability 1/2.
    """

    margin: int
    fill: Literal["mean"] | int
    flip: bool


class Draws(NamedTuple):
    """The shifts and flips of n images.

    Attributes:
      row_shifts: [n] int32, from -margin to margin; at 1 the crop begins at row 1.
      column_shifts: [n] int32, likewise.
      flips: [n] bool, whether the crop is flipped.
    """

    row_shifts: np.ndarray
    column_shifts: np.ndarray
    flips: np.ndarray


_AUGMENTATIONS = {
    "none": None,
    "crop_flip": Augmentation(margin=4, fill="mean", flip=True),
    # The next two are the pipelines of the released code, eladhoffer/bigBatch, for
    # CIFAR (grey) and for MNIST (black).
    "crop_flip_grey": Augmentation(margin=4, fill=127, flip=True),
    "crop_flip_mnist": Augmentation(margin=2, fill=0, flip=True),
    # For images that are cropped while they are read.
    "flip": Augmentation(margin=0, fill="mean", flip=True),
}


def names() -> tuple[str, ...]:
    """Returns the names of all augmentations."""
    return tuple(_AUGMENTATIONS)


def by_name(name: str) -> Augmentation | None:
    """Returns an augmentation, None for "none".

    Raises:
      UserError: the name is unknown.
    """
    if name not in _AUGMENTATIONS:
        raise errors.unknown_name("augmentation", name, _AUGMENTATIONS)
    return _AUGMENTATIONS[name]


def draws(augmentation: Augmentation, seed: int, first_place: int, count: int) -> Draws:
    """Draws for `count` places of the stream of training examples, from the first on.

    Raises:
      UserError: an argument is out of range.
    """
    errors.check_integer("first_place", first_place, 0)
    errors.check_integer("count", count, 1)
    first_block, start = divmod(first_place, _BLOCK_PLACES)
    stop = start + count
    blocks = [
        _block(augmentation, seed, first_block + block)
        for block in range(-(-stop // _BLOCK_PLACES))
    ]
    columns = zip(*blocks, strict=True)
    return Draws(*(np.concatenate(column)[start:stop] for column in columns))


def apply(
    images: "tf.Tensor",
    row_shifts: "tf.Tensor",
    column_shifts: "tf.Tensor",
    flips: "tf.Tensor",
    fill: "tf.Tensor",
) -> "tf.Tensor":
    """Returns scaled images, shifted and flipped; compiled functions may call it.

    Args:
      images: [n, height, width, channels], floating.
      row_shifts, column_shifts, flips: [n]; see `Draws`.
      fill: the value outside an image, scaled like it: [] or [channels].
    """
    import tensorflow as tf

    height, width = images.shape[1], images.shape[2]
    rows = tf.range(height) + row_shifts[:, None]
    columns = tf.range(width)
    columns = tf.where(flips[:, None], columns[::-1], columns) + column_shifts[:, None]
    inside = _inside(rows, height)[:, :, None] & _inside(columns, width)[:, None, :]
    rows = tf.clip_by_value(rows, 0, height - 1)
    columns = tf.clip_by_value(columns, 0, width - 1)
    moved = tf.gather(images, rows, axis=1, batch_dims=1)
    moved = tf.gather(moved, columns, axis=2, batch_dims=1)
    return tf.where(inside[..., None], moved, tf.cast(fill, images.dtype))


def fill_value(augmentation: Augmentation, scale: scaling.Scaling) -> np.ndarray:
    """Returns the padding in scaled units, float32: [] or [channels].

    Raises:
      UserError: the scaling maps the pixel that is padded to different values at
        different places.
    """
    if augmentation.fill == "mean":
        return np.zeros([], np.float32)
    value = (np.float32(augmentation.fill) - scale.offset) * scale.scale
    pixels = value.reshape(-1, value.shape[-1]) if value.ndim > 1 else value[None]
    if np.any(pixels != pixels[0]):
        remedy = "needs a scaling that is the same at every pixel, such as "
        remedy += "'standardize_channels' or 'imagenet'"
        names = {known: name for name, known in _AUGMENTATIONS.items()}
        name = names.get(augmentation, augmentation)
        raise errors.UserError("augmentation", name, remedy)
    return pixels[0]


# Consecutive steps fall in one block or in two neighbours.
@functools.lru_cache(maxsize=8)
def _block(augmentation: Augmentation, seed: int, block: int) -> Draws:
    purpose = random_streams.Purpose.AUGMENTATION
    generator = random_streams.generator(purpose, seed, block)
    margin = augmentation.margin
    shifts = generator.integers(
        -margin, margin, size=[2, _BLOCK_PLACES], dtype=np.int32, endpoint=True
    )
    flips = generator.integers(2, size=_BLOCK_PLACES, dtype=np.int8) == 1
    return Draws(shifts[0], shifts[1], flips & augmentation.flip)


def _inside(indices: "tf.Tensor", size: int) -> "tf.Tensor":
    return (indices >= 0) & (indices < size)
