"""A small made-up ImageNet: JPEGs of varied sizes, and as TFDS would have prepared it.

Images are smooth (sums of waves), so that decoders and resizers agree on them closely.
"""

import functools
import io
import pathlib

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

TRAIN_SIZE, VALIDATION_SIZE = 40, 16


@functools.cache
def label_names():
    return (
        tfds.builder("imagenet2012", data_dir="/nowhere").info.features["label"].names
    )


def image(seed, height, width):
    """Waves [height, width, 3] uint8."""
    generator = np.random.default_rng(seed)
    rows, columns = np.ogrid[:height, :width]
    down, right, phase = generator.uniform(0.02, 0.1, [3, 3]) * [[1], [1], [60]]
    angle = rows[..., None] * down + columns[..., None] * right + phase
    return (127.5 + 100 * np.sin(angle)).astype(np.uint8)


def jpeg(seed, height, width, mode="RGB"):
    """The same as a file; `mode` is Pillow's: RGB, L (grey) or CMYK."""
    file = io.BytesIO()
    pixels = Image.fromarray(image(seed, height, width)).convert(mode)
    pixels.save(file, "JPEG", quality=95, subsampling=0 if mode != "L" else -1)
    return file.getvalue()


def png(seed, height, width):
    return tf.io.encode_png(image(seed, height, width)).numpy()


def examples(split):
    """Names, labels and files, as the tar files have them."""
    count, offset = {"train": (TRAIN_SIZE, 0), "validation": (VALIDATION_SIZE, 1000)}[
        split
    ]
    generator = np.random.default_rng(offset)
    for index in range(count):
        label = (37 * index) % 1000
        height, width = generator.integers(40, 130, 2)
        mode = {1: "L", 2: "CMYK"}.get(index, "RGB")
        wnid = label_names()[label]
        name = f"{wnid}_{index}.JPEG"
        if split == "validation":
            name = f"ILSVRC2012_val_{index + 1:08d}.JPEG"
        data = jpeg(offset + index, height, width, mode)
        yield name, wnid, png(index, height, width) if index == 3 else data


def prepare(data_dir, file_format="array_record", replaced=()):
    """Writes the dataset into a TFDS folder.

    Args:
      data_dir: the folder.
      file_format: TFDS's.
      replaced: pairs (name of a file, other content).

    Returns:
      The folder of its version.
    """
    builder = tfds.builder("imagenet2012", data_dir=data_dir)
    changed = dict(replaced)

    def split(name):
        for file_name, wnid, data in examples(name):
            data = io.BytesIO(changed.get(file_name, data))
            yield file_name, {"file_name": file_name, "image": data, "label": wnid}

    stored = tfds.dataset_builders.store_as_tfds_dataset(
        name="imagenet2012",
        version=str(builder.version),
        features=builder.info.features,
        split_datasets={name: split(name) for name in ("train", "validation")},
        data_dir=data_dir,
        file_format=file_format,
        # Several shards, as the real one has.
        download_config=tfds.download.DownloadConfig(num_shards=3),
    )
    return pathlib.Path(stored.data_dir)
