"""Finds the images of a prepared ImageNet that cannot be decoded, before training.

An empty file, a page that says "too many requests" or the first half of an image may
have the right name, too.
"""

import concurrent.futures
import os
import pathlib
from collections.abc import Callable

from bsgen.data.datasets import imagenet

_IMAGES_AT_ONCE = 512
_MOST_PIXELS = 2**28  # 0.8 GB; a damaged header may claim any number


def broken_images(
    folder: pathlib.Path, on_progress: Callable[[int, int], None]
) -> dict[str, str]:
    """Decodes every image of a prepared dataset completely, on all processors.

    Returns what is wrong with each broken image, by split and file name. `on_progress`
    is called with the numbers of images decoded and to decode.
    """
    reasons: dict[str, str] = {}
    splits = {name: imagenet.records(folder, name) for name in imagenet.SPLITS}
    total = sum(map(len, splits.values()))
    done = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for split, records in splits.items():
            for first in range(0, len(records), _IMAGES_AT_ONCE):
                last = min(first + _IMAGES_AT_ONCE, len(records))
                some = [records[place] for place in range(first, last)]
                for name, reason in pool.map(_check, some):
                    if reason:
                        reasons[f"{split}/{name}"] = reason
                done += len(some)
                on_progress(done, total)
    return reasons


def _check(record: bytes) -> tuple[str, str]:
    """Returns the name of an image's file and what is wrong with it, or ""."""
    import tensorflow as tf

    features = tf.train.Example.FromString(record).features.feature
    name = features["file_name"].bytes_list.value[0].decode(errors="replace")
    image = features["image"].bytes_list.value[0]
    try:
        if not image:
            return name, "empty"
        if tf.io.is_jpeg(image):
            height, width, _ = tf.io.extract_jpeg_shape(image).numpy()
            if int(height) * int(width) > _MOST_PIXELS:
                return name, f"of {height} x {width} pixels"
        tf.io.decode_image(image, channels=3, expand_animations=False)
    except tf.errors.OpError:
        return name, "not a readable image"
    return name, ""
