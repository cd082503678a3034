"""The data of a measure, arrays or a data set, as batches that can be read again."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from bsgen import errors
from bsgen.measures import hessian

# Arrays up to this size are cut into tensors once and stay on the device; larger ones
# are cut anew in every pass. Our choice.
_MAX_RESIDENT_BYTES = 2**30


class Batches:
    """Iterates over (inputs, targets), the same examples at every pass.

    Attributes:
      num_examples: of arrays; None for a data set, which must be read to be counted.
    """

    def __init__(self, data: Any, batch_size: int):
        """Checks the data.

        Args:
          data: (inputs, targets), each one array or a tuple or dict of arrays, with
            examples along axis 0; or a tf.data.Dataset of batches (inputs, targets).
            A data set is read once a pass: one that draws at random (augmentation)
            makes every product one of another loss, and one that is slow to read
            should end in `.cache()`.
          batch_size: at least 1; cuts arrays, a data set has its own.

        Raises:
          UserError: there are no examples, as many inputs as targets, or no batches.
        """
        size = errors.check_integer("batch_size", batch_size, 1)
        self.num_examples: int | None = None
        self._cuts: _Cuts | None = None
        if isinstance(data, tf.data.Dataset):
            _check_dataset(data)
            self._batches: Any = data
            return
        if not isinstance(data, tuple) or len(data) != 2:
            remedy = "give (inputs, targets) or a tf.data.Dataset of such batches"
            raise errors.UserError("data", type(data).__name__, remedy)
        arrays = tuple(_as_arrays(part) for part in data)
        inputs, targets = (tf.nest.flatten(part) for part in arrays)
        self.num_examples = max(
            hessian.count_examples(x, y) for x in inputs for y in targets
        )
        self._batches = self._cuts = _Cuts(arrays, self.num_examples, size)
        if sum(array.nbytes for array in inputs + targets) <= _MAX_RESIDENT_BYTES:
            self._batches = [
                tf.nest.map_structure(tf.convert_to_tensor, batch)
                for batch in self._batches
            ]

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return iter(self._batches)

    def sample(self, count: int, draw: np.random.Generator) -> list[tuple[Any, Any]]:
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

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        for start in range(0, self.num_examples, self.batch_size):
            batch = slice(start, start + self.batch_size)
            yield tf.nest.map_structure(lambda a, b=batch: a[b], self.arrays)


def _as_arrays(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: np.asarray(value) for name, value in part.items()}
    if isinstance(part, tuple):
        return tuple(np.asarray(value) for value in part)
    return np.asarray(part)


def _check_dataset(dataset: tf.data.Dataset) -> None:
    cardinality = int(dataset.cardinality())
    if cardinality == 0:
        raise errors.UserError("data", "an empty data set", "give at least one batch")
    if cardinality == tf.data.INFINITE_CARDINALITY:
        remedy = "give one that ends: remove repeat() or add take()"
        raise errors.UserError("data", "an endless data set", remedy)
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2:
        remedy = "its elements must be pairs (inputs, targets)"
        raise errors.UserError("data", f"elements {spec}", remedy)
    if any(leaf.shape.rank == 0 for leaf in tf.nest.flatten(spec)):
        remedy = "its elements must be batches: add .batch(...)"
        raise errors.UserError("data", f"elements {spec}", remedy)
