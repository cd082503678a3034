"""Images that lie on a device, and batches of them gathered there.

TensorFlow has no GPU kernel that gathers bytes: the images would be sent to the host at
every step. So pairs of bytes lie on the device as bfloat16, of which only the bits
matter, and are bytes again after the gather.
"""

import math

import ml_dtypes
import numpy as np
import tensorflow as tf

_BYTES = 2  # of a bfloat16


def pack(images: np.ndarray) -> np.ndarray:
    """Returns what is to lie on the device.

    Args:
      images: [P, ...].

    Returns:
      Bytes as bfloat16, [P, half of an image]; images of another type as they are.
    """
    if images.dtype != np.uint8:
        return images
    rows = images.reshape(len(images), -1)
    if rows.shape[1] % _BYTES:
        rows = np.pad(rows, [(0, 0), (0, 1)])
    return np.ascontiguousarray(rows).view(ml_dtypes.bfloat16)


def gather(
    packed: tf.Tensor, positions: tf.Tensor, image_shape: tuple[int, ...]
) -> tf.Tensor:
    """Returns the images [n, *image_shape] at some positions [n] of what was packed."""
    rows = tf.gather(packed, positions)
    if rows.dtype != tf.bfloat16:
        return rows
    values = tf.reshape(tf.bitcast(rows, tf.uint8), [-1, _BYTES * rows.shape[1]])
    return tf.reshape(values[:, : math.prod(image_shape)], [-1, *image_shape])
