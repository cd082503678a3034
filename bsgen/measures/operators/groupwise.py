"""A function of the weights and of one group of examples, for many groups in one graph.

`tf.vectorized_map` computes all groups at once, many times as fast as a loop. It is not
right for every network, so the graph that it makes is inspected before it runs:

- Products that oneDNN gets wrong (see `shared_products`) are traced again with a copy
  of the weight for each group, which makes them products that it gets right.
- Recurrent layers are loops over time, which TensorFlow mostly cannot vectorise, or
  takes up to 20 s to. Their groups are computed one after another, as are those of
  branches, of texts that are cut into words, and of any function that it fails on.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import tensorflow as tf

from bsgen import errors
from bsgen.measures.operators import shared_products

Weights: TypeAlias = list[tf.Tensor]
Function: TypeAlias = Callable[[Weights, Any], Any]
_WithGradient: TypeAlias = Callable[
    [Callable[[Weights], tf.Tensor], Weights], tuple[tf.Tensor, Weights]
]

# Loops and branches. Once the derivative of a loop is taken, the loop itself may hide
# inside a function; the lists in which it keeps its steps give it away.
_CONTROL_FLOW = (
    "While",
    "StatelessWhile",
    "If",
    "StatelessIf",
    "Case",
    "StatelessCase",
)
_LISTS = "TensorList"
# Their results differ in length from example to example, so the loop that the
# vectoriser makes of them fails to stack the results when it runs.
_OF_VARYING_LENGTH = (
    "DynamicPartition",
    "RaggedRange",
    "StringNGrams",
    "StringSplit",
    "StringSplitV2",
    "UnicodeDecode",
    "UnicodeDecodeWithOffsets",
    "Unique",
    "UniqueV2",
    "Where",
)


def each(
    function: Function, weights: Weights, groups: Any, alone: Function | None = None
) -> Any:
    """Returns `function(weights, group)` of each group, stacked along a first axis.

    Must be called while a `tf.function` is traced, outside of tapes.

    Args:
      function: of the weights and one group, to a structure of tensors.
      weights: shared by all groups.
      groups: a structure of tensors, with the groups along axis 0.
      alone: called instead where groups are computed one after another; for a
        `function` that itself vectorises, and has checked its control flow first.
    """
    checked = _checked(function) if alone is None else function
    found = _all_at_once(
        lambda copied, weights, groups: _vectorized(checked, copied, weights, groups),
        weights,
        groups,
    )
    return one_by_one(alone or function, weights, groups) if found is None else found


def total(
    with_gradient: _WithGradient, function: Function, weights: Weights, groups: Any
) -> tuple[tf.Tensor, Weights]:
    """Returns the sum of `function(weights, group)` over the groups, and its gradient.

    Args:
      with_gradient: returns value and gradient of a function of the weights at weights.
      function: of the weights and one group, to a scalar.
      weights: shared by all groups.
      groups: see `each`.
    """

    def at_once(copied: Sequence[int], weights: Weights, groups: Any) -> Any:
        # One gradient of the sum: the groups' own gradients never exist.
        return with_gradient(
            lambda weights: tf.reduce_sum(
                _vectorized(_checked(function), copied, weights, groups)
            ),
            weights,
        )

    def of_one(weights: Weights, group: Any) -> Any:
        return with_gradient(lambda weights: function(weights, group), weights)

    found = _all_at_once(at_once, weights, groups)
    if found is not None:
        return found
    parts = one_by_one(of_one, weights, groups)
    return tf.nest.map_structure(lambda part: tf.reduce_sum(part, axis=0), parts)


def one_by_one(function: Function, weights: Weights, groups: Any) -> Any:
    """Returns what `each` does, computed in a loop."""
    compiled = tf.function(function, autograph=False)
    one = tf.nest.map_structure(
        lambda part: tf.TensorSpec(part.shape[1:], part.dtype), groups
    )
    outputs = compiled.get_concrete_function(weights, one).structured_outputs
    signature = tf.nest.map_structure(
        lambda part: tf.TensorSpec(part.shape, part.dtype), outputs
    )
    return tf.map_fn(
        lambda group: compiled(weights, group), groups, fn_output_signature=signature
    )


def check_no_control_flow(tensor: tf.Tensor) -> None:
    """Gives up vectorising a function if its graph so far holds control flow.

    Loops that the vectoriser adds later, for operations that it has no better way for,
    such as the derivative of a convolution, are right and stay.
    """
    types = {operation.type for operation in tensor.graph.get_operations()}
    alone = {*_CONTROL_FLOW, *_OF_VARYING_LENGTH}
    if any(name in alone or name.startswith(_LISTS) for name in types):
        raise _HasControlFlow


def _checked(function: Function) -> Function:
    def checked(weights: Weights, group: Any) -> Any:
        result = function(weights, group)
        check_no_control_flow(tf.nest.flatten(result)[0])
        return result

    return checked


class _HasControlFlow(Exception):
    pass


def _vectorized(
    function: Function, copied: Sequence[int], weights: Weights, groups: Any
) -> Any:
    """Maps over the groups; each has copies of its own of the weights in `copied`."""
    count = tf.shape(tf.nest.flatten(groups)[0])[0]
    copies = {
        place: tf.broadcast_to(weights[place], [count, *weights[place].shape])
        for place in copied
    }

    def of_one(element: tuple[dict[int, tf.Tensor], Any]) -> Any:
        own, group = element
        return function([own.get(i, w) for i, w in enumerate(weights)], group)

    logger = tf.get_logger()
    logger.addFilter(_is_no_remark)
    try:
        return tf.vectorized_map(of_one, (copies, groups), warn=False)
    finally:
        logger.removeFilter(_is_no_remark)


def _is_no_remark(record: logging.LogRecord) -> bool:
    """Tells other messages from "Conv2DBackpropFilter uses a while_loop. Fix that!".

    TensorFlow says so of every convolution in spite of `warn=False`.
    """
    return "uses a while_loop" not in record.getMessage()


def _all_at_once(at_once: Callable[..., Any], weights: Weights, groups: Any) -> Any:
    """Returns `at_once(copied, weights, groups)`, or None if no graph of it is safe."""
    # A graph that is safe for two groups is safe for any number.
    some = tf.nest.map_structure(
        lambda part: tf.TensorSpec([part.shape[0] or 2, *part.shape[1:]], part.dtype),
        groups,
    )
    copied: list[int] = []
    while True:
        compiled = tf.function(functools.partial(at_once, copied), autograph=False)
        try:
            traced = compiled.get_concrete_function(weights, some)
        except errors.UserError:
            raise
        except Exception:  # noqa: BLE001, the vectoriser raises what it meets
            return None
        sources = shared_products.sources(traced, len(weights))
        if sources is None or not sources.isdisjoint(copied):
            return None
        if not sources:
            return compiled(weights, groups)
        copied = sorted(sources.union(copied))
