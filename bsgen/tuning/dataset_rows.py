"""Reads a `tf.data.Dataset` into arrays, to draw its examples in any order.

A shuffle buffer cannot do that: one of 10,000 leaves 60,000 examples that lie sorted by
class nearly sorted.
"""

import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from bsgen import errors

_READ_AT_ONCE = 256  # examples
# What is larger goes to files in the temporary folder. Our choice.
MAX_RESIDENT_BYTES = 4 * 2**30
_NUM_COMPARED = 64  # examples


class DatasetRows:
    """The examples of a data set, as arrays.

    Attributes:
      structure: (inputs, targets) or (inputs, targets, weights), with something at each
        leaf.
      is_random: whether every pass over the data set gives other examples, as it does
        where it shuffles or augments them. Then it is read anew for every epoch.
    """

    def __init__(self, argument: str, dataset: tf.data.Dataset):
        """Reads the data set.

        Args:
          argument: what it was given as, for messages.
          dataset: of single examples, (inputs, targets) or (inputs, targets, weights).

        Raises:
          UserError: it does not end, its examples differ in shape, or there is no
            place for them.
        """
        self._argument, self._dataset = argument, dataset
        check(argument, dataset)
        self.structure = dataset.element_spec
        self._epochs: dict[int, list[np.ndarray]] = {0: self._read(dataset)}
        start = self._read(dataset.take(_NUM_COMPARED))
        self.is_random = not all(
            np.array_equal(again, once[: len(again)])
            for once, again in zip(self._epochs[0], start, strict=True)
        )

    def epoch(self, number: int) -> list[np.ndarray]:
        """Returns an array of all examples for each leaf."""
        if not self.is_random:
            return self._epochs[0]
        if number not in self._epochs:
            # A batch can span two epochs, so the one before stays.
            kept = {i: old for i, old in self._epochs.items() if i in (0, number - 1)}
            found = self._read(self._dataset)
            if len(found[0]) != len(self._epochs[0][0]):
                remedy = "every pass over it must give as many examples"
                raise self._error("tf.data.Dataset", remedy)
            self._epochs = {**kept, number: found}
        return self._epochs[number]

    def _read(self, dataset: tf.data.Dataset) -> list[np.ndarray]:
        columns = [_Column() for _ in tf.nest.flatten(self.structure)]
        num_bytes = 0
        try:
            for batch in dataset.batch(_READ_AT_ONCE).as_numpy_iterator():
                parts = [np.asarray(part) for part in tf.nest.flatten(batch)]
                num_bytes += sum(part.nbytes for part in parts)
                for column, part in zip(columns, parts, strict=True):
                    column.append(part)
                if num_bytes > MAX_RESIDENT_BYTES:
                    for column in columns:
                        column.to_disk()
            return [column.array() for column in columns]
        except (tf.errors.InvalidArgumentError, ValueError) as error:
            if "shape" not in str(error):
                raise
            remedy = "its examples differ in shape: pad or crop them to one"
            raise self._error("tf.data.Dataset", remedy) from error
        except OSError as error:
            remedy = f"its {num_bytes:,} bytes and more do not fit in the temporary "
            remedy += f"folder {tempfile.gettempdir()}: set TMPDIR to a larger one"
            raise self._error("tf.data.Dataset", remedy) from error

    def _error(self, value: Any, remedy: str) -> errors.UserError:
        return errors.UserError(self._argument, value, remedy)


class _Column:
    """One leaf of all examples: first in memory, in a file where that is too small."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []
        self._file: Any = None
        self._shape: tuple[int, ...] = ()
        self._dtype = np.dtype(float)

    def append(self, part: np.ndarray) -> None:
        if not self._parts and self._file is None:
            self._shape, self._dtype = (0, *part.shape[1:]), part.dtype
        if part.shape[1:] != self._shape[1:]:
            raise ValueError("another shape")
        self._shape = (self._shape[0] + len(part), *self._shape[1:])
        if self._file is None:
            self._parts.append(part)
        else:
            part.tofile(self._file)

    def to_disk(self) -> None:
        if self._file is None and self._dtype.kind != "O":
            self._file = tempfile.TemporaryFile()  # noqa: SIM115, lives as the array
            for part in self._parts:
                part.tofile(self._file)
            self._parts.clear()

    def array(self) -> np.ndarray:
        if self._file is not None:
            self._file.flush()
            return np.memmap(self._file, self._dtype, "r", shape=self._shape)
        return np.concatenate(self._parts) if self._parts else np.zeros(0)


def single_examples(
    argument: str,
    dataset: tf.data.Dataset,
    input_shapes: Sequence[tuple[int | None, ...]] | None,
) -> tf.data.Dataset:
    """Returns a data set of single examples, taken apart if it consists of batches.

    Args:
      argument: what it was given as, for messages.
      dataset: of (inputs, targets) or (inputs, targets, weights).
      input_shapes: of the model's inputs, with the axis of the batch; None if unknown.

    Raises:
      UserError: its elements are of another form, or may be either.
    """
    check(argument, dataset)
    shapes = [leaf.shape for leaf in tf.nest.flatten(dataset.element_spec)]
    leading = {shape[0] if shape.rank else None for shape in shapes}
    if any(shape.rank == 0 for shape in shapes) or len(leading) > 1:
        return dataset  # a batch has an axis of the same length everywhere
    inputs = [leaf.shape for leaf in tf.nest.flatten(dataset.element_spec[0])]
    if input_shapes is not None and len(input_shapes) == len(inputs):
        pairs = [*zip(_by_rank(inputs), _by_rank(input_shapes), strict=True)]
        batched = all(fits(one[1:], known[1:]) for one, known in pairs)
        single = all(fits(one, known[1:]) for one, known in pairs)
        if batched and (leading == {None} or not single):
            return dataset.unbatch()
        if single:
            return dataset
    remedy = "cannot tell whether its elements are batches: give single examples "
    remedy += "(see .unbatch()), or a model with keras.Input"
    raise errors.UserError(argument, [tuple(shape) for shape in shapes], remedy)


def check(argument: str, dataset: tf.data.Dataset) -> None:
    """Checks that a data set ends and has elements of a form that can be read.

    Raises:
      UserError: it does not.
    """
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) not in (2, 3):
        remedy = "its elements must be (inputs, targets) or (inputs, targets, weights)"
        raise errors.UserError(argument, f"elements {spec}", remedy)
    for leaf in tf.nest.flatten(spec):
        if not isinstance(leaf, tf.TensorSpec) or leaf.shape.rank is None:
            remedy = "give tensors of known rank: neither ragged nor sparse ones"
            raise errors.UserError(argument, f"elements {spec}", remedy)
    if int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY:
        remedy = "it does not end: leave out repeat(), or add take(N)"
        raise errors.UserError(argument, "tf.data.Dataset", remedy)


def fits(shape: Any, wanted: Any) -> bool:
    """Returns whether an example has the shape that a model's input wants.

    Keras adds a last axis of one, and takes one away.
    """
    if len(shape) + 1 == len(wanted) and wanted[-1] == 1:
        wanted = wanted[:-1]
    elif len(shape) == len(wanted) + 1 and shape[-1] == 1:
        shape = shape[:-1]
    return len(shape) == len(wanted) and all(
        None in pair or pair[0] == pair[1] for pair in zip(shape, wanted, strict=True)
    )


def _by_rank(shapes: Sequence[Any]) -> Iterator[Any]:
    return iter(sorted(shapes, key=lambda shape: (len(shape), str(tuple(shape)))))
