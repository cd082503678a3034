"""Reads a `tf.data.Dataset` into arrays, to draw its examples in any order.

A shuffle buffer cannot do that: one of 10,000 leaves 60,000 examples sorted by class
nearly sorted.
"""

import tempfile
from typing import Any

import numpy as np
import tensorflow as tf

from bsgen import errors
from bsgen.data import dataset_forms, epoch_cache

_READ_AT_ONCE = 256  # examples
# A larger data set goes to files in the temporary folder. Our choice.
MAX_RESIDENT_BYTES = 4 * 2**30
_NUM_COMPARED = 64  # examples


class DatasetRows:
    """The examples of a data set, as arrays.

    Attributes:
      structure: (inputs, targets) or (inputs, targets, weights), with any leaves.
      is_random: whether every pass over the data set gives other examples, because it
        shuffles or augments them. Then it is read again for every epoch.
    """

    def __init__(self, argument: str, dataset: tf.data.Dataset):
        """Reads the data set.

        Args:
          argument: what it was given as, for messages.
          dataset: of single examples, (inputs, targets) or (inputs, targets, weights).

        Raises:
          UserError: it does not end, its examples differ in shape, or they do not fit
            on the disk.
        """
        self._argument, self._dataset = argument, dataset
        dataset_forms.check(argument, dataset)
        self.structure = dataset.element_spec
        self._epochs = epoch_cache.EpochCache(self._read_epoch)
        start = self._read(dataset.take(_NUM_COMPARED))
        self.is_random = not all(
            np.array_equal(again, once[: len(again)])
            for once, again in zip(self._epochs[0], start, strict=True)
        )

    def epoch(self, number: int) -> list[np.ndarray]:
        """Returns an array of all examples for each leaf."""
        return self._epochs[number if self.is_random else 0]

    def _read_epoch(self, number: int) -> list[np.ndarray]:
        found = self._read(self._dataset)
        if number and len(found[0]) != len(self._epochs[0][0]):
            remedy = "every pass over it must give as many examples"
            raise self._error("tf.data.Dataset", remedy)
        return found

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
    """One leaf of all examples, in memory or, once that is too small, in a file."""

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
            self._file = tempfile.TemporaryFile()  # noqa: SIM115, closed as an array
            for part in self._parts:
                part.tofile(self._file)
            self._parts.clear()

    def array(self) -> np.ndarray:
        if self._file is not None:
            with self._file:  # the array keeps the file open itself
                self._file.flush()
                return np.memmap(self._file, self._dtype, "r", shape=self._shape)
        return np.concatenate(self._parts) if self._parts else np.zeros(0)
