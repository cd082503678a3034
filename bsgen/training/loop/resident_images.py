"""Images that stay on a device, where batches of them are gathered.

TensorFlow has no GPU kernel that gathers bytes, so it would send the images to the host
at every step. Eight bytes are therefore stored as one int64 and taken apart again after
the gather. (It has no kernel for smaller integers either, keeps int32 on the host, and
XLA may change the bits of floating-point numbers that only pass through.)
"""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from bsgen import data, errors
from bsgen.training.loop import strategies

_BYTES = 8  # of an int64
_MAX_BYTES = 2 * 2**30  # a small part of any GPU; CIFAR takes 0.18 GB


def choose(source: data.Source, placement: str) -> data.Pool | None:
    """Returns the source if its images are to stay on the device, else None.

    Raises:
      UserError: the placement is "device", and the source is read from the disk.
    """
    if not isinstance(source, data.Pool):
        if placement == "device":
            remedy = f"{source.name} is too large for a device; take 'stream' or 'auto'"
            raise errors.UserError("data_placement", placement, remedy)
        return None
    fits = source.inputs.nbytes <= _MAX_BYTES
    return source if placement == "device" or (fits and placement == "auto") else None


def place(resident: data.Pool | None, devices: strategies.Devices) -> Any:
    """Returns a copy of the packed images on each replica's device; None for None.

    Raises:
      OutOfMemory: a device does not hold the images.
    """
    if resident is None:
        return None
    try:
        return devices.on_each_replica(pack(resident.inputs))
    except tf.errors.ResourceExhaustedError as error:
        remedy = "the memory of a device does not hold the images; take 'stream'"
        raise errors.OutOfMemory("data_placement", "device", remedy) from error


def pack(images: np.ndarray) -> np.ndarray:
    """Returns images [P, ...] as they are kept on the device.

    Those of bytes become int64, [P, an eighth of an image]; others stay as they are.
    """
    if images.dtype != np.uint8:
        return images
    rows = images.reshape(len(images), -1)
    rows = np.pad(rows, [(0, 0), (0, -rows.shape[1] % _BYTES)])
    return rows.view(np.int64)


def gather(
    packed: tf.Tensor, positions: tf.Tensor, image_shape: tuple[int, ...]
) -> tf.Tensor:
    """Returns the images [n, *image_shape] at positions [n] of packed images."""
    rows = tf.gather(packed, positions)
    if rows.dtype != tf.int64:
        return rows
    values = tf.reshape(tf.bitcast(rows, tf.uint8), [-1, _BYTES * rows.shape[1]])
    return tf.reshape(values[:, : math.prod(image_shape)], [-1, *image_shape])
