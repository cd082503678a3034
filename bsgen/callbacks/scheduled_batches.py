"""Training data whose batch size may change from one epoch of `fit` to the next.

`fit` asks its data for the number of steps once. So the number that it gets here is one
that changes its value, and progress bars and epochs follow it.
"""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import wrapt

# `fit` takes any adapter of this type in place of data; there is no public name for it.
# `keras.utils.PyDataset` is public, but feeds batches through Python, one by one.
from keras.src.trainers.data_adapters import data_adapter

from bsgen import errors
from bsgen.data import array_forms, dataset_forms


class ScheduledBatches(data_adapter.DataAdapter):
    """Batches of a number of examples that is set before each epoch."""

    def __init__(
        self,
        examples: Any,
        num_examples: int,
        first_size: int,
        drop_remainder: bool,
        shuffle_seed: int | None,
    ):
        """Feeds nothing yet.

        Args:
          examples: a dataset of single examples, or a structure of arrays.
          num_examples: N.
          first_size: the first batch size.
          drop_remainder: whether the examples that fill no batch are left out.
          shuffle_seed: of the order of arrays, anew in each epoch; None for theirs.
        """
        self._examples = examples
        self._num_examples = num_examples
        self._drop_remainder = drop_remainder
        self._seed = shuffle_seed
        self._epoch, self._size = 0, first_size
        self._steps = wrapt.ObjectProxy(self._count_steps(first_size))
        self._reset, self._told, self.was_read = False, False, False

    @property
    def dataset(self) -> tf.data.Dataset | None:
        """The dataset that was given, if it was no arrays."""
        is_dataset = isinstance(self._examples, tf.data.Dataset)
        return self._examples if is_dataset else None

    def begin_epoch(self, epoch: int, size: int) -> None:
        """Sets the batch size of the epoch that begins now."""
        self._epoch, self._size = epoch, size
        self._steps.__wrapped__ = self._count_steps(size)
        self._told, self.was_read = True, False

    @property
    def num_batches(self) -> Any:
        """The steps of the epoch; what was returned before follows, too."""
        return self._steps

    def get_tf_dataset(self) -> tf.data.Dataset:
        """Returns a dataset that looks up the batch size whenever it begins."""
        self._reset = False
        scalar = tf.TensorSpec([], tf.int64)
        settings = tf.data.Dataset.from_generator(
            lambda: iter([(self._epoch, self._size)]), output_signature=(scalar, scalar)
        )
        of_epoch = self._of_arrays if self.dataset is None else self._of_dataset
        options = tf.data.Options()
        off = tf.data.experimental.AutoShardPolicy.OFF  # all machines see all examples
        options.experimental_distribute.auto_shard_policy = off
        batches = settings.flat_map(of_epoch).with_options(options)
        return batches.prefetch(tf.data.AUTOTUNE)

    def on_epoch_begin(self) -> None:
        """Checks that the schedule has spoken; `fit` calls this."""
        # Keras also reads a batch to build a model, before it resets its data.
        if self._reset and not self._told:
            remedy = "the schedule must be there, too: "
            remedy += "fit(schedule.batches(...), callbacks=[schedule])"
            raise errors.UserError("callbacks", None, remedy)
        self.was_read = True

    def on_epoch_end(self) -> None:
        """Waits for the schedule; `fit` calls this, and once before it begins."""
        self._reset, self._told = True, False

    def _count_steps(self, size: int) -> int:
        steps = self._num_examples / size
        return math.floor(steps) if self._drop_remainder else math.ceil(steps)

    def _of_dataset(self, epoch: tf.Tensor, size: tf.Tensor) -> tf.data.Dataset:
        return self._examples.batch(size, drop_remainder=self._drop_remainder)

    def _of_arrays(self, epoch: tf.Tensor, size: tf.Tensor) -> tf.data.Dataset:
        order = tf.range(self._num_examples, dtype=tf.int64)
        if self._seed is not None:
            seed = tf.stack([tf.constant(self._seed, tf.int64), epoch])
            order = tf.random.experimental.stateless_shuffle(order, seed)
        end = tf.constant(self._num_examples, tf.int64)
        if self._drop_remainder:
            end -= end % size

        def batch(start: tf.Tensor) -> Any:
            chosen = order[start : tf.minimum(start + size, end)]
            return tf.nest.map_structure(
                lambda array: tf.gather(array, chosen), self._examples
            )

        starts = tf.data.Dataset.range(0, end, size)
        return starts.map(batch, num_parallel_calls=tf.data.AUTOTUNE)


def arrays(inputs: Any, targets: Any, sample_weight: Any) -> tuple[Any, int]:
    """Returns arrays as tensors on the host, in Keras' float type, and how many.

    Raises:
      UserError: they are no arrays of one length.
    """
    parts = array_forms.examples("x, y", (inputs, targets, sample_weight))
    with tf.device("CPU:0"):
        tensors = tf.nest.map_structure(_tensor, parts)
    return tensors, array_forms.count("x, y", parts)


def count(dataset: tf.data.Dataset, num_examples: int | None) -> int:
    """Returns the number of examples of a dataset, which may be given.

    Raises:
      UserError: it is unknown, or the dataset's elements cannot be read.
    """
    dataset_forms.check("x", dataset)
    if num_examples is not None:
        return errors.check_integer("num_examples", num_examples, 1)
    known = int(dataset.cardinality())
    if known < 1:
        remedy = "the dataset does not know how many examples it has; give the number"
        raise errors.UserError("num_examples", None, remedy)
    return known


def _tensor(array: np.ndarray) -> tf.Tensor:
    is_float = np.issubdtype(array.dtype, np.floating)
    return tf.convert_to_tensor(array, keras.config.floatx() if is_float else None)
