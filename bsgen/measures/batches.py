"""The data of a measure, arrays or a data set, as batches that can be read again."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors

# Arrays up to this size are cut into tensors once and stay on the device; larger ones
# are cut anew in every pass. Our choice.
_MAX_RESIDENT_BYTES = 2**30
_PARTS = ("inputs", "targets", "sample weights")
_REMEDY = (
    "give (inputs, targets) or (inputs, targets, sample weights), or a tf.data.Dataset "
    "of such batches"
)


class Batches:
    """Iterates over (inputs, targets) or (inputs, targets, sample weights).

    Every pass meets the same examples.

    Attributes:
      num_examples: of arrays; None for a data set, which must be read to be counted.
    """

    def __init__(self, data: Any, batch_size: int, model: keras.Model | None = None):
        """Checks the data.

        Args:
          data: (inputs, targets) or (inputs, targets, sample weights), each one array,
            or lists, tuples or dictionaries of them, with examples along axis 0; or a
            tf.data.Dataset of such batches, or of single examples. A data set is read
            once a pass: one that draws at random (augmentation) makes every product one
            of another loss, and one that is slow to read should end in `.cache()`.
          batch_size: at least 1; cuts arrays and single examples.
          model: whose inputs tell batches from single examples; None for batches.

        Raises:
          UserError: there are no examples, as many inputs as targets, or no batches; a
            number is NaN or infinite (of a data set, when it is read).
        """
        size = errors.check_integer("batch_size", batch_size, 1)
        self.num_examples: int | None = None
        self._cuts: _Cuts | None = None
        if isinstance(data, tf.data.Dataset):
            check_dataset(data)
            batched = is_batched(data, model)
            self._batches: Any = _Checked(data if batched else data.batch(size))
            return
        arrays = as_arrays(data)
        self.num_examples = count_examples(*arrays)
        _check_finite(arrays)
        self._batches = self._cuts = _Cuts(arrays, self.num_examples, size)
        if sum(a.nbytes for a in tf.nest.flatten(arrays)) <= _MAX_RESIDENT_BYTES:
            self._batches = [
                tf.nest.map_structure(tf.convert_to_tensor, batch)
                for batch in self._batches
            ]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self._batches)

    def sample(self, count: int, draw: np.random.Generator) -> list[tuple[Any, ...]]:
        """Returns random examples, in batches; none of a data set.

        Args:
          count: of examples; of more than a batch, whole batches are taken, so that
            nothing has to be compiled for them.
          draw: draws without replacement.
        """
        if self._cuts is None:
            return []
        size = self._cuts.batch_size
        if count > size:
            count -= count % size
        places = np.sort(draw.permutation(self._cuts.num_examples)[:count])
        arrays = tf.nest.map_structure(lambda a: a[places], self._cuts.arrays)
        return list(_Cuts(arrays, count, size))


class _Cuts:
    def __init__(self, arrays: Any, num_examples: int, batch_size: int):
        self.arrays = arrays
        self.num_examples = num_examples
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for start in range(0, self.num_examples, self.batch_size):
            batch = slice(start, start + self.batch_size)
            yield tf.nest.map_structure(lambda a, b=batch: a[b], self.arrays)


class _Checked:
    """A data set whose numbers are checked in the first pass."""

    def __init__(self, dataset: tf.data.Dataset):
        self._dataset = dataset
        self._seen = False

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for batch in self._dataset:
            if not self._seen:
                _check_finite(tf.nest.map_structure(np.asarray, batch))
            yield batch
        self._seen = True


def as_arrays(data: Any) -> tuple[Any, ...]:
    """Returns a user's data as (inputs, targets[, sample weights]) of arrays.

    Raises:
      UserError: they are not two or three parts.
    """
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        raise errors.UserError("data", type(data).__name__, _REMEDY)
    parts = data[:2] if data[-1] is None else data
    return tuple(_as_arrays(part) for part in parts)


def count_examples(*parts: Any) -> int:
    """Returns the number of examples in structures of arrays.

    Raises:
      UserError: there are none, or parts differ.
    """
    arrays = tf.nest.flatten(parts)
    if any(np.ndim(array) == 0 for array in arrays):
        remedy = "give arrays with the examples along their first axis"
        raise errors.UserError("data", "a single number", remedy)
    sizes = tuple(len(array) for array in arrays)
    if len(set(sizes)) != 1 or not sizes[0]:
        remedy = "give as many inputs as targets, at least one"
        raise errors.UserError("data", f"of lengths {sizes}", remedy)
    return sizes[0]


def check_dataset(dataset: tf.data.Dataset) -> None:
    """Checks what a data set says of itself.

    Raises:
      UserError: it is empty, endless, or not of (inputs, targets[, sample weights]).
    """
    cardinality = int(dataset.cardinality())
    if cardinality == 0:
        raise errors.UserError("data", "an empty data set", "give at least one batch")
    if cardinality == tf.data.INFINITE_CARDINALITY:
        remedy = "give one that ends: remove repeat() or add take()"
        raise errors.UserError("data", "an endless data set", remedy)
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) not in (2, 3):
        remedy = "its elements must be (inputs, targets) or (inputs, targets, weights)"
        raise errors.UserError("data", f"elements {spec}", remedy)


def is_batched(dataset: tf.data.Dataset, model: keras.Model | None = None) -> bool:
    """Returns whether a data set is of batches, not of single examples.

    Args:
      dataset: of (inputs, targets[, sample weights]).
      model: that is to take the inputs; without one, or where it does not know their
        shapes, only an element of no axis tells a single example.
    """
    spec = dataset.element_spec
    if any(leaf.shape.rank == 0 for leaf in tf.nest.flatten(spec)):
        return False
    wanted = [each.shape[1:] for each in getattr(model, "inputs", None) or []]
    given = [leaf.shape for leaf in tf.nest.flatten(spec[0])]
    return not wanted or not (
        len(given) == len(wanted)
        and all(
            shape.is_fully_defined() and shape.is_compatible_with(single)
            for shape, single in zip(given, wanted, strict=True)
        )
    )


def _as_arrays(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _as_arrays(value) for name, value in part.items()}
    if isinstance(part, tuple | list) and any(map(_holds_arrays, part)):
        return type(part)(_as_arrays(value) for value in part)
    return np.asarray(part)


def _holds_arrays(value: Any) -> bool:
    return isinstance(value, dict) or bool(getattr(value, "shape", ()))


def _check_finite(arrays: tuple[Any, ...]) -> None:
    for name, part in zip(_PARTS, arrays, strict=False):
        for array in tf.nest.flatten(part):
            # Extremes need no array of flags, and are NaN where there is one.
            if array.dtype.kind != "f" or not array.size:
                continue
            if not np.isfinite([array.min(), array.max()]).all():
                count = int(np.sum(~np.isfinite(array)))
                remedy = f"{count} of its numbers are NaN or infinite; mend them, or "
                remedy += "leave those examples out"
                raise errors.UserError("data", name, remedy)
