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
        num_examples: int | None,
        first_size: int,
        drop_remainder: bool,
        shuffle_seed: int | None,
    ):
        """Feeds nothing yet.

        Args:
          examples: a dataset, or a structure of arrays, as `forms.read` returns them.
          num_examples: N; None to count them. A dataset that does not know how many it
            has is read to its end.
          first_size: the first batch size.
          drop_remainder: whether the examples that fill no batch are left out.
          shuffle_seed: of the order of arrays, anew in each epoch; None for theirs.

        Raises:
          UserError: `num_examples` is no number of examples.
        """
        self._is_batched = False
        if isinstance(examples, tf.data.Dataset):
            self._is_batched = dataset_forms.is_batched(examples, None) is True
            single = examples.unbatch() if self._is_batched else examples
            self._num_examples = _count(single, num_examples)
            self._examples = examples
        else:
            self._num_examples = array_forms.count("x", examples)
            with tf.device("CPU:0"):
                self._examples = tf.nest.map_structure(_tensor, examples)
        self._drop_remainder = drop_remainder
        self._seed = shuffle_seed
        self._epoch, self._size = 0, first_size
        self._steps = wrapt.ObjectProxy(self._count_steps(first_size))
        self._reset, self._told, self.was_read = False, False, False

    @property
    def num_examples(self) -> int:
        """N."""
        return self._num_examples

    def check_model(self, model: keras.Model) -> None:
        """Checks that the model takes for batches what was taken for batches.

        Raises:
          UserError: its inputs show that it does not.
        """
        if not isinstance(self._examples, tf.data.Dataset):
            return
        shapes = dataset_forms.input_shapes(model)
        found = dataset_forms.is_batched(self._examples, shapes)
        if found is not None and found != self._is_batched:
            value, wanted = "batches", "single examples, such as dataset.unbatch()"
            if self._is_batched:
                value, wanted = "single examples", "batches, such as dataset.batch(32)"
            raise errors.UserError("x", value, f"give {wanted}")

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
        is_dataset = isinstance(self._examples, tf.data.Dataset)
        of_epoch = self._of_dataset if is_dataset else self._of_arrays
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
        if self._is_batched:
            return self._examples.rebatch(size, drop_remainder=self._drop_remainder)
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


def _count(single: tf.data.Dataset, num_examples: int | None) -> int:
    """Returns the number of examples of a dataset, which may be given."""
    if num_examples is not None:
        return errors.check_integer("num_examples", num_examples, 1)
    return dataset_forms.count("x", single)


def _tensor(array: np.ndarray) -> tf.Tensor:
    """Returns an array as a tensor, of Keras' float type if it has a point."""
    is_float = np.issubdtype(array.dtype, np.floating)
    return tf.convert_to_tensor(array, keras.config.floatx() if is_float else None)
