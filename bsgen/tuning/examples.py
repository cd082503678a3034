"""A user's training or validation data: arrays, or a `tf.data.Dataset` of examples."""

import abc
from typing import Any

import numpy as np
import tensorflow as tf

from bsgen import errors
from bsgen.data import batches as orders

_READ_AT_ONCE = 1024


class Examples(abc.ABC):
    """Pairs of inputs and targets."""

    @abc.abstractmethod
    def __len__(self) -> int:
        """Returns how many examples there are."""

    @abc.abstractmethod
    def batches(self, batch_size: int, num_steps: int, seed: int) -> tf.data.Dataset:
        """Returns `num_steps` shuffled batches of exactly `batch_size` examples."""

    @abc.abstractmethod
    def in_order(self, batch_size: int) -> tf.data.Dataset:
        """Returns every example once, in batches of at most `batch_size`."""

    @abc.abstractmethod
    def targets(self) -> np.ndarray | None:
        """Returns all targets, or None where an example has several."""


def examples(argument: str, data: Any) -> Examples:
    """Returns data as `Examples`.

    Args:
      argument: what they were given as, for the message.
      data: `(inputs, targets)`, each an array or nested arrays of equal length, or a
        `tf.data.Dataset` of pairs, one example each, of known size.

    Raises:
      UserError: it is neither, or empty.
    """
    if isinstance(data, tf.data.Dataset):
        found: Examples = _Dataset(argument, data)
    elif isinstance(data, tuple | list) and len(data) == 2:
        found = _Arrays(argument, tuple(data))
    else:
        remedy = "give (inputs, targets) or a tf.data.Dataset of single examples"
        raise errors.UserError(argument, type(data).__name__, remedy)
    if not len(found):
        raise errors.UserError(argument, "empty", "give some examples")
    return found


class _Arrays(Examples):
    def __init__(self, argument: str, pair: tuple[Any, ...]):
        self._pair = tf.nest.map_structure(np.asarray, pair)
        lengths = {len(array) for array in tf.nest.flatten(self._pair)}
        if len(lengths) != 1:
            remedy = f"inputs and targets differ in length: {sorted(lengths)}"
            raise errors.UserError(argument, "arrays", remedy)
        self._size = lengths.pop()

    def __len__(self) -> int:
        return self._size

    def batches(self, batch_size: int, num_steps: int, seed: int) -> tf.data.Dataset:
        def positions(step: tf.Tensor) -> tf.Tensor:
            def draw(step: np.ndarray) -> np.ndarray:
                return orders.batch_positions(seed, int(step), batch_size, self._size)

            return tf.ensure_shape(
                tf.numpy_function(draw, [step], tf.int32), [batch_size]
            )

        steps = tf.data.Dataset.range(num_steps).map(positions)
        return steps.map(self._gather).prefetch(2)

    def in_order(self, batch_size: int) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices(self._pair).batch(batch_size)

    def targets(self) -> np.ndarray | None:
        targets = self._pair[1]
        return targets if isinstance(targets, np.ndarray) else None

    def _gather(self, positions: tf.Tensor) -> Any:
        return tf.nest.map_structure(
            lambda array: tf.gather(array, positions), self._pair
        )


class _Dataset(Examples):
    def __init__(self, argument: str, dataset: tf.data.Dataset):
        size = int(dataset.cardinality())
        if size < 0:
            remedy = "its size is not known; apply tf.data.experimental."
            remedy += "assert_cardinality(N), and no repeat()"
            raise errors.UserError(argument, "tf.data.Dataset", remedy)
        self._dataset, self._size = dataset, size

    def __len__(self) -> int:
        return self._size

    def batches(self, batch_size: int, num_steps: int, seed: int) -> tf.data.Dataset:
        shuffled = self._dataset.shuffle(min(self._size, 10_000), seed).repeat()
        return shuffled.batch(batch_size, drop_remainder=True).take(num_steps)

    def in_order(self, batch_size: int) -> tf.data.Dataset:
        return self._dataset.batch(batch_size)

    def targets(self) -> np.ndarray | None:
        found = [pair[1] for pair in self.in_order(_READ_AT_ONCE).as_numpy_iterator()]
        return np.concatenate(found) if isinstance(found[0], np.ndarray) else None
