"""Of which form the elements of a user's `tf.data.Dataset` are: examples or batches.

They are batches, as `fit` takes them, unless their shapes show that they are examples.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from bsgen import errors


def input_shapes(model: Any) -> list[tuple[int | None, ...]] | None:
    """Returns the shapes of a model's inputs, with the axis of the batch.

    None of a model that learns them from its data.
    """
    try:
        return [tuple(each.shape) for each in model.inputs]
    except (AttributeError, TypeError, ValueError):
        return None


def single_examples(
    argument: str,
    dataset: tf.data.Dataset,
    input_shapes: Sequence[tuple[int | None, ...]] | None,
) -> tf.data.Dataset:
    """Returns a data set of single examples, taken apart if it consists of batches.

    Args:
      argument: what it was given as, for messages.
      dataset: of single examples or of batches.
      input_shapes: of the model's inputs, with the axis of the batch; None if unknown.

    Raises:
      UserError: its elements are of another form.
    """
    check(argument, dataset)
    is_single = is_batched(dataset, input_shapes) is False
    return dataset if is_single else dataset.unbatch()


def batches(
    argument: str,
    dataset: tf.data.Dataset,
    batch_size: int,
    input_shapes: Sequence[tuple[int | None, ...]] | None,
) -> tf.data.Dataset:
    """Returns a data set of batches: as they are, or of `batch_size` examples.

    Arguments and errors are those of `single_examples`.
    """
    check(argument, dataset)
    is_single = is_batched(dataset, input_shapes) is False
    return dataset.batch(batch_size) if is_single else dataset


def count(argument: str, single: tf.data.Dataset) -> int:
    """Returns the number of examples, for which it reads a data set that has no count.

    Raises:
      UserError: there are none.
    """
    known = int(single.cardinality())
    found = known if known >= 0 else int(single.reduce(0, lambda n, *_: n + 1))
    if not found:
        raise errors.UserError(argument, "empty", "give at least one example")
    return found


def is_batched(
    dataset: tf.data.Dataset, input_shapes: Sequence[tuple[int | None, ...]] | None
) -> bool | None:
    """Returns whether a data set of `single_examples` consists of batches.

    None where nothing tells: the model's inputs do not, and all tensors have first axes
    of one and the same known length.
    """
    shapes = [leaf.shape for leaf in tf.nest.flatten(dataset.element_spec)]
    leading = {shape[0] if shape.rank else None for shape in shapes}
    if any(shape.rank == 0 for shape in shapes) or len(leading) > 1:
        return False  # a batch has an axis of the same length everywhere
    inputs = [leaf.shape for leaf in tf.nest.flatten(dataset.element_spec[0])]
    if input_shapes is not None and len(input_shapes) == len(inputs):
        pairs = [*zip(_by_rank(inputs), _by_rank(input_shapes), strict=True)]
        batched = all(fits(one[1:], known[1:]) for one, known in pairs)
        single = all(fits(one, known[1:]) for one, known in pairs)
        if batched and (leading == {None} or not single):
            return True
        if single:
            return False
    return True if leading == {None} else None


def check(argument: str, dataset: tf.data.Dataset) -> None:
    """Checks that a data set has an end and elements, of a form that can be read.

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
    known = int(dataset.cardinality())
    if known == tf.data.INFINITE_CARDINALITY:
        remedy = "it does not end: leave out repeat(), or add take(N)"
        raise errors.UserError(argument, "tf.data.Dataset", remedy)
    if not known:
        raise errors.UserError(argument, "empty", "give at least one example")


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


def _by_rank(shapes: Sequence[Any]) -> list[Any]:
    return sorted(shapes, key=lambda shape: (len(shape), str(tuple(shape))))
