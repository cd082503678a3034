"""The forms in which users give examples, read in one place for all that takes them.

Wherever a function, a callback or a launcher of this project takes `data`, it takes

- `(inputs, targets)` or `(inputs, targets, weights)`, as a tuple or a list, with the
  examples along the first axis of every array. Weights are those of `fit`'s
  `sample_weight`, and None stands for no weights. Inputs, targets and weights are one
  array each, or a dictionary, list or tuple of arrays where the model has several
  inputs or outputs. An array is NumPy's, a tensor, a pandas table or column, or nested
  lists of numbers, of any type of numbers or of texts;
- a `tf.data.Dataset` of such tuples, with an end, of any batch size: batches, as `fit`
  takes them, or single examples, where their shapes show that they are;
- a `keras.utils.PyDataset` of such batches.

The same examples give the same numbers in each of these forms, up to rounding. What is
none of them is refused in one line.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors
from bsgen.data import array_forms, dataset_forms, dataset_rows


def read(argument: str, data: Any) -> tuple[Any, ...] | tf.data.Dataset:
    """Returns a user's data in one of two forms.

    Args:
      argument: what they were given as, for messages.
      data: in any form of this module.

    Returns:
      (inputs, targets) or (inputs, targets, weights) of NumPy arrays, or of tuples and
      dictionaries of them; or a data set of such tuples of tensors.

    Raises:
      UserError: the data are of another form, empty, or without an end.
    """
    if isinstance(data, keras.utils.PyDataset):
        return _of_py_dataset(argument, data)
    if isinstance(data, tf.data.Dataset):
        dataset_forms.check(argument, data)
        return data
    return array_forms.examples(argument, data)


def arrays(argument: str, data: Any, model: Any = None) -> tuple[Any, ...]:
    """Returns a user's data as arrays; a data set is read once, to its end.

    Args:
      argument: what they were given as, for messages.
      data: in any form of this module.
      model: its inputs help to tell batches from single examples.

    Raises:
      UserError: as for `read`, or the examples of a data set differ in shape.
    """
    found = read(argument, data)
    if not isinstance(found, tf.data.Dataset):
        return found
    shapes = dataset_forms.input_shapes(model)
    single = dataset_forms.single_examples(argument, found, shapes)
    rows = dataset_rows.DatasetRows(argument, single)
    array_forms.count(argument, rows.epoch(0))
    return tf.nest.pack_sequence_as(rows.structure, rows.epoch(0))


def _of_py_dataset(argument: str, given: keras.utils.PyDataset) -> tf.data.Dataset:
    """Returns a data set of batches, each pass over which is an epoch of `given`.

    Raises:
      UserError: it has no end, or its first batch is of another form.
    """
    count = given.num_batches
    if not count:
        remedy = "give one with an end: its num_batches is the number of its batches"
        raise errors.UserError(argument, f"{count} batches", remedy)

    def epoch() -> Any:
        for place in range(count):
            yield array_forms.examples(argument, given[place])
        given.on_epoch_end()

    first = array_forms.examples(argument, given[0])
    dataset = tf.data.Dataset.from_generator(
        epoch, output_signature=tf.nest.map_structure(_batch_of, first)
    )
    return dataset.apply(tf.data.experimental.assert_cardinality(count))


def _batch_of(array: np.ndarray) -> tf.TensorSpec:
    """Returns what all batches have in common with a first one."""
    is_text = array.dtype.kind in "OS"
    dtype = tf.string if is_text else tf.as_dtype(array.dtype)
    return tf.TensorSpec([None, *array.shape[1:]], dtype)
