"""Reads the batches of a source ahead of the training loop.

The batch of step t follows from t alone: a run resumed at step t asks for the steps
from t on, and gets the batches that it would have had. Steps count parameter updates;
on several machines each asks for its own share of every batch.
"""

from collections.abc import Callable, Generator

import numpy as np
import tensorflow as tf

from bsgen import errors
from bsgen.data import crops as cropping
from bsgen.data import sources

Batch = tuple[tf.Tensor, tf.Tensor]

# Decoded batches that wait for the training loop.
_READ_AHEAD = 2


def batches(
    source: sources.Source,
    positions_of: Callable[[int], np.ndarray],
    first_step: int,
    last_step: int,
    places_of: Callable[[int], np.ndarray] | None = None,
    seed: int = 0,
) -> Generator[Batch, None, None]:
    """Yields the batches of the steps first_step to last_step - 1.

    Closing the iterator early ends the threads that read ahead.

    Args:
      source: the examples.
      positions_of: a pure function of the step: which examples [b] form its batch, in
        this order; b may differ between steps. It is called in another thread, for one
        step after the other.
      first_step: at least 0.
      last_step: the first step after the last one wanted.
      places_of: a pure function of the step: the places [b] of these examples in the
        stream of training examples (`bsgen.data.sampling.stream`). A source that
        crops inputs then does so at random; without it as for evaluation.
      seed: of the random crops.

    Yields:
      Inputs [b, D...] in the type they are stored in, and labels [b] int32.

    Raises:
      UserError: an example cannot be read; the message has its position.
    """
    found = dataset(source, positions_of, first_step, last_step, places_of, seed)
    examples = iter(found)
    for step in range(first_step, last_step):
        try:
            batch = next(examples)
        except tf.errors.OpError as error:
            request = _request(source, positions_of, places_of, seed, step)
            raise _unreadable(source, request, error) from error
        yield batch


def evaluation_batches(
    source: sources.Source, positions: np.ndarray, batch_size: int
) -> Generator[Batch, None, None]:
    """Yields the examples at some positions in order, without random crops.

    The last batch holds what remains, and is not padded. Errors are as in `batches`.
    """
    size = errors.check_integer("batch_size", batch_size, 1)
    num_batches = -(-len(positions) // size)

    def positions_of(step: int) -> np.ndarray:
        return positions[step * size : (step + 1) * size]

    return batches(source, positions_of, 0, num_batches)


def dataset(
    source: sources.Source,
    positions_of: Callable[[int], np.ndarray],
    first_step: int,
    last_step: int,
    places_of: Callable[[int], np.ndarray] | None = None,
    seed: int = 0,
) -> tf.data.Dataset:
    """Returns what `batches` yields as a dataset, which raises TensorFlow's errors."""
    with_crops = source.crops_inputs and places_of is not None

    def request(step: np.ndarray) -> tuple[np.ndarray, ...]:
        return _request(source, positions_of, places_of, seed, int(step))

    def ask(step: tf.Tensor) -> tuple[tf.Tensor, ...]:
        types = [tf.int64, tf.float32] if with_crops else [tf.int64]
        positions, *crops = tf.numpy_function(request, [step], types)
        positions = tf.ensure_shape(positions, [None])
        return positions, *(tf.ensure_shape(c, [None, *cropping.SHAPE]) for c in crops)

    requests = tf.data.Dataset.range(first_step, last_step).map(ask)
    options = tf.data.Options()
    options.deterministic = True
    # Each machine asks for its own share, so nothing is left to divide.
    off = tf.data.experimental.AutoShardPolicy.OFF
    options.experimental_distribute.auto_shard_policy = off
    return source.stream(requests).prefetch(_READ_AHEAD).with_options(options)


def _request(
    source: sources.Source,
    positions_of: Callable[[int], np.ndarray],
    places_of: Callable[[int], np.ndarray] | None,
    seed: int,
    step: int,
) -> tuple[np.ndarray, ...]:
    """Returns the positions of a step and, where they matter, its crops."""
    positions = np.asarray(positions_of(step), np.int64)
    if not source.crops_inputs or places_of is None:
        return (positions,)
    return positions, cropping.draw(seed, places_of(step))


def _unreadable(
    source: sources.Source, request: tuple[np.ndarray, ...], error: tf.errors.OpError
) -> errors.UserError:
    """Returns the error of the first example that cannot be read by itself."""
    for index in range(len(request[0])):
        try:
            source.gather(*(part[index : index + 1] for part in request))
        except errors.UserError as found:
            return found
    remedy = f"reading failed once ({error.message}); check the disk and start again"
    return errors.UserError("dataset", source.name, remedy)
