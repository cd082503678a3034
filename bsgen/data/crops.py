"""Which part of an encoded image is used, and its decoding.

Training: random resized crops, "sampling of various sized patches of the image whose
size is distributed evenly between 8% and 100% of the image area with aspect ratio
constrained to the interval [3/4, 4/3]" (Szegedy et al., 2015, arXiv:1409.4842, section
6), as Goyal et al. (2017), arXiv:1706.02677, section 5.1, augment scale and aspect
ratio. Evaluation: the centre, as they take it: "the test error ... on 224x224 center
crops", of images whose shorter side was made 256.

Our choices, where the papers are silent: the logarithm of the aspect ratio is uniform,
so that width and height are treated alike; after ten shapes that do not fit in the
image, the largest central part with an allowed aspect ratio is taken; parts are resized
bilinearly, without smoothing first.
"""

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from bsgen.data import random_streams

_AREAS = (0.08, 1.0)
_LARGEST_ASPECT = 4 / 3
# As the released code of Goyal et al. (fb.resnet.torch) tries.
_NUM_ATTEMPTS = 10
# The centre crop of 224 out of 256.
_CENTRE_SHARE = 224 / 256
# Places drawn at a time, to hide the cost of opening a stream.
_BLOCK_PLACES = 4096

# A crop: the (height, width) of ten shapes, in units of sqrt(area of the image), and
# where (vertically, horizontally) in [0, 1] of what is free the window lies.
SHAPE = (_NUM_ATTEMPTS + 1, 2)

# From height and width of an image, int32 scalars, to the window in it, [4] int32: top,
# left, height, width.
Window = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def draw(seed: int, places: np.ndarray) -> np.ndarray:
    """Draws the crops of some places in the stream of training examples.

    They are a pure function of the seed and of the place in the endless stream of
    `bsgen.data.sampling.stream`, so a resumed run continues with the same crops.

    Returns:
      Crops [n, 11, 2] float32 for places [n]: ten pairs sqrt(a / r), sqrt(a r), with
      the area a uniform in [0.08, 1) and log r uniform between log 3/4 and log 4/3, and
      a pair of numbers in [0, 1].
    """
    blocks, rows = np.divmod(places, _BLOCK_PLACES)
    drawn = np.empty((len(places), *SHAPE), np.float32)
    for block in np.unique(blocks):
        inside = blocks == block
        drawn[inside] = _block(seed, int(block))[rows[inside]]
    return drawn


def random_window(crop: tf.Tensor) -> Window:
    """Returns the window of a crop [11, 2] float32, of `draw`, in any image."""

    def window(height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
        whole = tf.stack([height, width])
        side = tf.sqrt(tf.cast(height * width, tf.float32))
        shapes = tf.cast(tf.round(crop[:-1] * side), tf.int32)
        fits = tf.reduce_all((shapes >= 1) & (shapes <= whole), axis=1)
        shape = shapes[tf.argmax(fits)]
        free = tf.cast(whole - shape + 1, tf.float32)
        # A number close to 1 can round up to 1 in float32.
        corner = tf.minimum(tf.cast(crop[-1] * free, tf.int32), whole - shape)
        drawn = tf.concat([corner, shape], axis=0)
        return tf.where(tf.reduce_any(fits), drawn, _largest_window(whole))

    return window


def centre_window(height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Returns the square in the middle whose side is 224/256 of the shorter side.

    Resized to 224 it has the pixels, up to rounding, that resizing the shorter side to
    256 and cutting out the middle would leave, at a lower cost.
    """
    whole = tf.stack([height, width])
    shortest = tf.cast(tf.reduce_min(whole), tf.float32)
    side = tf.maximum(tf.cast(tf.round(_CENTRE_SHARE * shortest), tf.int32), 1)
    return _centred(whole, tf.stack([side, side]))


def decode(data: tf.Tensor, window: Window, image_size: int) -> tf.Tensor:
    """Decodes a window of an image and resizes it.

    Of a JPEG (grey ones and CMYK too) only the window is decoded; other formats that
    TensorFlow knows (the PNG file among ImageNet's JPEGs) are decoded whole.

    Args:
      data: the file, a string scalar.
      window: that of `random_window`, or `centre_window`.
      image_size: the side of the square result.

    Returns:
      [image_size, image_size, 3] uint8.
    """

    def from_jpeg() -> tf.Tensor:
        shape = tf.io.extract_jpeg_shape(data)
        # The transform as the standard has it: the faster one is off by several levels.
        return tf.io.decode_and_crop_jpeg(
            data, window(shape[0], shape[1]), channels=3, dct_method="INTEGER_ACCURATE"
        )

    def from_other() -> tf.Tensor:
        image = tf.io.decode_image(data, channels=3, expand_animations=False)
        shape = tf.shape(image)
        corner, size = tf.split(window(shape[0], shape[1]), 2)
        return tf.slice(
            image, tf.concat([corner, [0]], axis=0), tf.concat([size, [3]], axis=0)
        )

    image = tf.cond(tf.io.is_jpeg(data), from_jpeg, from_other)
    resized = tf.image.resize(image, (image_size, image_size))
    image = tf.cast(tf.round(resized), tf.uint8)
    return tf.ensure_shape(image, (image_size, image_size, 3))


# Consecutive steps fall in one block or in two neighbours.
@functools.lru_cache(maxsize=8)
def _block(seed: int, block: int) -> np.ndarray:
    """Returns the crops [_BLOCK_PLACES, 11, 2] float32 of a block of places."""
    purpose = random_streams.Purpose.RESIZED_CROP
    generator = random_streams.generator(purpose, seed, block)
    uniform = generator.random((_BLOCK_PLACES, *SHAPE))
    areas = _AREAS[0] + (_AREAS[1] - _AREAS[0]) * uniform[:, :-1, 0]
    aspects = _LARGEST_ASPECT ** (2 * uniform[:, :-1, 1] - 1)
    shapes = np.stack([np.sqrt(areas / aspects), np.sqrt(areas * aspects)], axis=-1)
    return np.concatenate([shapes, uniform[:, -1:]], axis=1).astype(np.float32)


def _largest_window(whole: tf.Tensor) -> tf.Tensor:
    """The largest central window whose aspect ratio lies in the interval."""
    longest = tf.round(_LARGEST_ASPECT * tf.cast(whole[::-1], tf.float32))
    return _centred(whole, tf.minimum(whole, tf.cast(longest, tf.int32)))


def _centred(whole: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
    return tf.concat([(whole - shape) // 2, shape], axis=0)
