"""ImageNet (ILSVRC 2012), read image by image from a dataset that TFDS has prepared.

Russakovsky et al. (2015), arXiv:1409.0575: 1,281,167 training and 50,000 validation
images of 1000 classes. The validation images are the test set, as in Goyal et al.
(2017), arXiv:1706.02677.

TFDS's file format "array_record" gives access to any image at once, so there is no
shuffle buffer, and no state to save but the step.
"""

import os
import pathlib
import resource
from typing import TYPE_CHECKING, Any

import numpy as np

from bsgen import errors
from bsgen.config import DataConfig
from bsgen.data import prepared

if TYPE_CHECKING:
    import tensorflow as tf

NAME = "imagenet2012"
NUM_CLASSES = 1000
IMAGE_SIZE = 224
INPUT_SHAPE = (IMAGE_SIZE, IMAGE_SIZE, 3)
TARS = ("ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar")
FILE_FORMAT = "array_record"
SPLITS = ("train", "validation")

# Images read in one call into Python, enough to hide the cost of the call.
_READ_IMAGES = 16
# Batches decoded at the same time, so that no thread waits for another's last image.
_BATCHES_AT_ONCE = 2


class ImageNet:
    """A source (see `bsgen.data.sources`) of [image_size, image_size, 3] uint8 images.

    Training images come first, then the validation images, each in TFDS's order, which
    follows from the names of the files. A crop chooses the window of a training image;
    without one the centre is taken: see `bsgen.data.crops`.
    """

    name = NAME
    num_classes = NUM_CLASSES
    test_size: int | None = None
    crops_inputs = True

    def __init__(self, folder: pathlib.Path, image_size: int = IMAGE_SIZE):
        size = errors.check_integer("image_size", image_size, 1)
        self.input_shape: tuple[int, ...] = (size, size, 3)
        self._folder = folder
        self._records = tuple(records(folder, split) for split in SPLITS)
        train_size = len(self._records[0])
        self.train_pool: np.ndarray | None = np.arange(train_size)
        self.test_pool: np.ndarray | None = np.arange(train_size, len(self))

    def __len__(self) -> int:
        return sum(map(len, self._records))

    def gather(
        self, positions: np.ndarray, crops: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `bsgen.data.sources.Source`; reads one after the other."""
        inputs = np.empty((len(positions), *self.input_shape), np.uint8)
        labels = np.empty(len(positions), np.int32)
        for index, position in enumerate(positions):
            crop = () if crops is None else (crops[index],)
            inputs[index], labels[index] = self._example(int(position), crop)
        return inputs, labels

    def stream(self, requests: "tf.data.Dataset") -> "tf.data.Dataset":
        """See `bsgen.data.sources.Source`; images are decoded by all processors."""
        import tensorflow as tf

        num_threads = os.cpu_count() or 1

        def read(positions: tf.Tensor, *crops: tf.Tensor) -> tuple[tf.Tensor, ...]:
            read = tf.numpy_function(self._read, [positions], tf.string)
            return tf.ensure_shape(read, [None]), *crops

        def answer(positions: tf.Tensor, *crops: tf.Tensor) -> tf.data.Dataset:
            images = tf.data.Dataset.from_tensor_slices((positions, *crops))
            stored = images.batch(_READ_IMAGES).map(read, num_parallel_calls=2)
            decoded = stored.unbatch().map(self._decode, num_parallel_calls=num_threads)
            return decoded.batch(tf.size(positions, tf.int64))

        return requests.interleave(
            answer, _BATCHES_AT_ONCE, num_parallel_calls=_BATCHES_AT_ONCE
        )

    def _read(self, positions: np.ndarray) -> np.ndarray:
        """Returns the examples as they are stored, [n] bytes."""
        train, test = self._records
        size = len(train)
        found = [train[p] if p < size else test[p - size] for p in positions]
        return np.array(found, dtype=object)

    def _decode(
        self, record: "tf.Tensor", *crop: "tf.Tensor"
    ) -> tuple["tf.Tensor", "tf.Tensor"]:
        """Returns the image and the label of a stored example."""
        import tensorflow as tf

        from bsgen.data import crops

        window = crops.random_window(*crop) if crop else crops.centre_window
        features = {
            "image": tf.io.FixedLenFeature([], tf.string),
            "label": tf.io.FixedLenFeature([], tf.int64),
        }
        example = tf.io.parse_single_example(record, features)
        image = crops.decode(example["image"], window, self.input_shape[0])
        return image, tf.cast(example["label"], tf.int32)

    def _example(
        self, position: int, crop: tuple[np.ndarray, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        import tensorflow as tf

        try:
            image, label = self._decode(self._read(np.array([position]))[0], *crop)
        except (tf.errors.OpError, OSError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            remedy = f"this image of {self._folder} cannot be read ({reason}); "
            remedy += "if it is damaged, prepare the dataset again"
            raise errors.UserError("position", position, remedy) from error
        return image.numpy(), label.numpy()


def records(folder: pathlib.Path, split: str) -> Any:
    """Returns the stored examples of one of `SPLITS`: a sequence of bytes.

    Raises:
      UserError: they are in a format that cannot be read in any order, or damaged.
    """
    import tensorflow_datasets as tfds
    from google.protobuf import json_format

    raw = tfds.decode.DeserializeMethod.RAW_BYTES
    try:
        builder = tfds.builder_from_directory(folder)
        formats = {builder.info.file_format, *builder.info.alternative_file_formats}
        if FILE_FORMAT not in {each.value for each in formats if each}:
            command = f"tfds convert_format --dataset_version_dir={folder} "
            command += f"--out_file_format={FILE_FORMAT}"
            remedy = f"its files cannot be read in any order; run `{command}`, which "
            remedy += "adds files that can"
            raise errors.UserError("data_dir", str(folder), remedy)
        _allow_open_files(builder.info.splits[split].num_shards)
        return builder.as_data_source(split=split, deserialize_method=raw)
    except (json_format.ParseError, OSError, ValueError) as error:
        if isinstance(error, errors.UserError):
            raise
        remedy = f"its {split} files are damaged; prepare the dataset again"
        raise errors.UserError("data_dir", str(folder), remedy) from error


class _ImageNet(prepared.PreparedDataset):
    def load(self, settings: DataConfig, data_dir: str | None = None) -> ImageNet:
        return ImageNet(self.folder(data_dir))


IMAGENET = _ImageNet(
    NAME,
    INPUT_SHAPE,
    NUM_CLASSES,
    1_281_167,
    50_000,
    scaling="imagenet",
    augmentation="flip",
    fits_in_memory=False,
    importer="imagenet_files",
    by_hand=f"register at image-net.org, get {' and '.join(TARS)}",
)


def _allow_open_files(count: int) -> None:
    """Lets this process open more files, since each stays open once it was read.

    ImageNet has 1024 files of training images, and 1024 is a usual limit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = soft + count if hard == resource.RLIM_INFINITY else min(soft + count, hard)
    if soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
