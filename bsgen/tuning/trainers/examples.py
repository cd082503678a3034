"""A user's training or validation data: arrays, or a `tf.data.Dataset`.

Either way an epoch is a permutation of all examples, drawn from the seed, and batches
are gathered row by row, so arrays may have any size, and lie on disk (`numpy.memmap`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors
from bsgen.data import array_forms, dataset_forms, dataset_rows, forms, sampling
from bsgen.tuning.trainers import weighted_examples

# Numbers in a batch of examples in order: 64 MiB in single precision.
_MOST_NUMBERS = 2**24


class _Rows(Protocol):
    """Where examples come from."""

    structure: Any
    is_random: bool

    def epoch(self, number: int) -> list[np.ndarray]:
        """Returns an array of all examples for each leaf of the structure."""


class Examples:
    """Inputs, targets and, if given, weights."""

    def __init__(self, argument: str, rows: _Rows):
        """Takes examples; reads nothing."""
        self.argument = argument
        self._rows = rows
        self.arrays = rows.epoch(0)

    def __len__(self) -> int:
        return len(self.arrays[0])

    @property
    def is_random(self) -> bool:
        """Whether every epoch has other examples, because a data set augments them."""
        return self._rows.is_random

    @property
    def inputs(self) -> Any:
        """Arrays of all inputs."""
        return self._pack(self.arrays)[0]

    @property
    def targets(self) -> Any:
        """Arrays of all targets."""
        return self._pack(self.arrays)[1]

    @property
    def weights(self) -> Any:
        """Arrays of all weights; None if there are none."""
        return (*self._pack(self.arrays), None)[2]

    def batches(self, batch_size: int, num_steps: int, seed: int) -> tf.data.Dataset:
        """Returns `num_steps` shuffled batches of exactly `batch_size` examples.

        Raises:
          UserError: there are fewer examples.
        """
        size = len(self)
        if not 1 <= batch_size <= size:
            remedy = f"give 1 to {size}, the number of examples"
            raise errors.UserError("batch_size", batch_size, remedy)

        def read(step: int) -> list[np.ndarray]:
            places = sampling.batch_positions(seed, step, batch_size, size)
            first, start = divmod(step * batch_size, size)
            cut = min(size - start, batch_size)  # where the next epoch begins
            parts = [[array[places[:cut]] for array in self._rows.epoch(first)]]
            if cut < batch_size:
                rest = self._rows.epoch(first + 1)
                parts.append([array[places[cut:]] for array in rest])
            return [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]

        return self._dataset(num_steps, read, batch_size)

    def in_order(self, batch_size: int | None = None) -> tf.data.Dataset:
        """Returns every example once, in batches of at most `batch_size`.

        Args:
          batch_size: None for one that needs little memory, at most 256.
        """
        if batch_size is None:
            numbers = sum(array[:1].size for array in self.arrays)
            batch_size = max(1, min(256, _MOST_NUMBERS // max(numbers, 1)))
        return self.at(np.arange(len(self)), batch_size)

    def at(self, places: np.ndarray, batch_size: int) -> tf.data.Dataset:
        """Returns the examples at [n] places, in batches of at most `batch_size`."""

        def read(step: int) -> list[np.ndarray]:
            part = places[step * batch_size : (step + 1) * batch_size]
            return [array[part] for array in self.arrays]

        num_steps = -(-len(places) // batch_size)
        whole = len(places) % batch_size == 0
        return self._dataset(num_steps, read, batch_size if whole else None)

    def _dataset(
        self,
        num_steps: int,
        read: Callable[[int], list[np.ndarray]],
        batch_size: int | None,
    ) -> tf.data.Dataset:
        dtypes = [_dtype(array) for array in self.arrays]

        def call(step: np.ndarray) -> list[np.ndarray]:
            return [
                np.asarray(part, dtype.as_numpy_dtype)
                for part, dtype in zip(read(int(step)), dtypes, strict=True)
            ]

        def batch(step: tf.Tensor) -> Any:
            found = tf.numpy_function(call, [step], dtypes)
            for tensor, array in zip(found, self.arrays, strict=True):
                tensor.set_shape([batch_size, *array.shape[1:]])
            return self._pack(found)

        return tf.data.Dataset.range(num_steps).map(batch).prefetch(2)

    def _pack(self, leaves: Sequence[Any]) -> Any:
        return tf.nest.pack_sequence_as(self._rows.structure, list(leaves))


def examples(
    argument: str,
    data: Any,
    input_shapes: Sequence[tuple[int | None, ...]] | None = None,
    class_weight: Mapping[int, float] | None = None,
) -> Examples:
    """Returns data as `Examples`.

    Args:
      argument: what they were given as, for messages.
      data: in one of the forms of `bsgen.data.forms`.
      input_shapes: of the model's inputs, with the axis of the batch, by which batches
        are told from single examples; None if unknown.
      class_weight: weights of the examples by class, as `fit` takes them.

    Raises:
      UserError: the data are of another form, empty, or do not fit together.
    """
    read = forms.read(argument, data)
    if isinstance(read, tf.data.Dataset):
        single = dataset_forms.single_examples(argument, read, input_shapes)
        rows: _Rows = dataset_rows.DatasetRows(argument, single)
        array_forms.count(argument, rows.epoch(0))
    else:
        rows = _Arrays(read)
    if class_weight is not None:
        rows = weighted_examples.Weighted(rows, class_weight)
    return Examples(argument, rows)


class _Arrays:
    is_random = False

    def __init__(self, parts: tuple[Any, ...]):
        self.structure = parts
        self._flat = tf.nest.flatten(parts)

    def epoch(self, number: int) -> list[np.ndarray]:
        del number  # they are the same in each
        return self._flat


def _dtype(array: np.ndarray) -> tf.DType:
    """Returns the type of a batch: of numbers with a point that of `fit`, as in it."""
    if array.dtype.kind == "f":
        return tf.as_dtype(keras.config.floatx())
    return tf.string if array.dtype.kind in "OSU" else tf.as_dtype(array.dtype)
