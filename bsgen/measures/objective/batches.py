"""The data of a measure, arrays or a data set, as batches that can be read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors
from bsgen.data import array_forms, dataset_forms, forms

# Arrays up to this size become tensors once and stay on the device; larger ones
# are cut again in every pass. Our choice.
_MAX_RESIDENT_BYTES = 2**30


class Batches:
    """Iterates over (inputs, targets) or (inputs, targets, sample weights).

    Every pass gives the same examples.

    Attributes:
      num_examples: in arrays; None for a data set, which must be read to be counted.
    """

    def __init__(self, data: Any, batch_size: int, model: keras.Model | None = None):
        """Checks the data.

        Args:
          data: in one of the forms of `bsgen.data.forms`. A data set is read once a
            pass: if it draws at random (augmentation), every product is one of another
            loss; if it is slow to read, it should end in `.cache()`.
          batch_size: at least 1; how arrays and single examples are cut.
          model: its inputs help to tell batches from single examples.

        Raises:
          UserError: the data are of another form, or empty.
        """
        size = errors.check_integer("batch_size", batch_size, 1)
        self.num_examples: int | None = None
        self._cuts: _Cuts | None = None
        arrays = forms.read("data", data)
        if isinstance(arrays, tf.data.Dataset):
            shapes = dataset_forms.input_shapes(model)
            self._batches: Any = dataset_forms.batches("data", arrays, size, shapes)
            return
        self.num_examples = array_forms.count("data", arrays)
        self._batches = self._cuts = _Cuts(arrays, self.num_examples, size)
        if sum(a.nbytes for a in tf.nest.flatten(arrays)) <= _MAX_RESIDENT_BYTES:
            self._batches = [
                tf.nest.map_structure(tf.convert_to_tensor, batch)
                for batch in self._batches
            ]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self._batches)

    def sample(self, count: int, draw: np.random.Generator) -> list[tuple[Any, ...]]:
        """Returns random examples of arrays, in batches; none of a data set.

        Args:
          count: the number of examples. If it is more than a batch, only whole batches
            are taken, so that nothing has to be compiled for them.
          draw: draws them, without replacement.
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


def check_finite(batches: Iterable[tuple[Any, ...]]) -> None:
    """Refuses data that hold NaN or infinity, and says which part does.

    Call it only when a loss is not finite: a loss may ignore targets of NaN, which
    stand for missing ones.

    Raises:
      UserError: a part of them does.
    """
    counts = dict.fromkeys(array_forms.PARTS, 0)
    for batch in batches:
        for name, part in zip(array_forms.PARTS, batch, strict=False):
            arrays = map(np.asarray, tf.nest.flatten(part))
            counts[name] += sum(
                int(np.sum(~np.isfinite(a))) for a in arrays if a.dtype.kind == "f"
            )
    found = {name: count for name, count in counts.items() if count}
    if found:
        name, count = next(iter(found.items()))
        remedy = f"{count} of their numbers are NaN or infinite; leave these examples "
        remedy += "out, or repair them"
        raise errors.UserError("data", name, remedy)
