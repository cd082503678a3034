"""The data of a measure, arrays or a data set, as batches that can be read again."""

from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors
from bsgen.data import dataset_forms

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
          UserError: there are no examples, as many inputs as targets, or no batches.
        """
        size = errors.check_integer("batch_size", batch_size, 1)
        self.num_examples: int | None = None
        self._cuts: _Cuts | None = None
        if isinstance(data, tf.data.Dataset):
            self._batches: Any = _dataset(data, size, model)
            return
        arrays = as_arrays(data)
        self.num_examples = count_examples(*arrays)
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


def as_arrays(data: Any) -> tuple[Any, ...]:
    """Returns a user's data as (inputs, targets[, sample weights]) of arrays.

    Raises:
      UserError: they are not two or three parts, or one is no array.
    """
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        raise errors.UserError("data", type(data).__name__, _REMEDY)
    parts = data[:2] if data[-1] is None else data
    return tuple(
        part_as_arrays(name, part) for name, part in zip(_PARTS, parts, strict=False)
    )


def part_as_arrays(name: str, part: Any) -> Any:
    """Returns one array, or lists, tuples or dictionaries of them, as arrays.

    Args:
      name: of the part, for messages.
      part: inputs, targets or sample weights.

    Raises:
      UserError: it, or one in it, is no array.
    """
    if isinstance(part, dict):
        return {key: part_as_arrays(name, value) for key, value in part.items()}
    if isinstance(part, tuple | list) and any(map(_holds_arrays, part)):
        return type(part)(part_as_arrays(name, value) for value in part)
    try:
        array = np.asarray(part)
        # Of Python's objects, such as a table of mixed columns: their common type.
        array = np.array(array.tolist()) if array.dtype == object else array
    except ValueError as error:
        remedy = "give arrays, or lists whose rows are of equal length"
        raise errors.UserError("data", name, remedy) from error
    if array.dtype == object and not array.ndim:  # None, a ragged tensor, a loader
        remedy = "give arrays with the examples along their first axis"
        raise errors.UserError("data", f"{name}: {type(part).__name__}", remedy)
    return array


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
        remedy = "give as many of each, at least one"
        raise errors.UserError("data", f"of lengths {sizes}", remedy)
    return sizes[0]


def check_finite(batches: Iterable[tuple[Any, ...]]) -> None:
    """Says which part of the data holds NaN or infinity, if one does.

    For a loss that is not finite: one may pass over targets of NaN, where some are
    missing.

    Raises:
      UserError: a part does.
    """
    counts = dict.fromkeys(_PARTS, 0)
    for batch in batches:
        for name, part in zip(_PARTS, batch, strict=False):
            arrays = map(np.asarray, tf.nest.flatten(part))
            counts[name] += sum(
                int(np.sum(~np.isfinite(a))) for a in arrays if a.dtype.kind == "f"
            )
    found = {name: count for name, count in counts.items() if count}
    if found:
        name, count = next(iter(found.items()))
        remedy = f"{count} of their numbers are NaN or infinite; leave these examples "
        remedy += "out, or mend them"
        raise errors.UserError("data", name, remedy)


def _dataset(
    dataset: tf.data.Dataset, batch_size: int, model: keras.Model | None
) -> tf.data.Dataset:
    """Returns a data set of batches.

    Raises:
      UserError: it is empty, endless, or of another form.
    """
    if int(dataset.cardinality()) == 0:
        raise errors.UserError("data", "an empty data set", "give at least one batch")
    dataset_forms.check("data", dataset)
    shapes = dataset_forms.input_shapes(model)
    # Where nothing tells, it is of batches, as `fit` takes it.
    batched = dataset_forms.is_batched(dataset, shapes) is not False
    return dataset if batched else dataset.batch(batch_size)


def _holds_arrays(value: Any) -> bool:
    return isinstance(value, dict) or bool(getattr(value, "shape", ()))
