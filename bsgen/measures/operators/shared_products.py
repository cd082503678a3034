"""Batched products that oneDNN gets wrong, found in a graph before it runs.

oneDNN, TensorFlow's library for matrices on a CPU, returns garbage, or crashes, for a
`BatchMatMulV2` of [B, 1, m, k] and one matrix [k, n] that all share (TensorFlow 2.21,
float32 and bfloat16). Vectorising over groups of one example makes such products of
every layer that multiplies [1, time, features] with a weight by `tf.matmul`, such as
EinsumDense and so all of Keras' attention. They are avoided here, because the switch
that turns oneDNN off must be set before TensorFlow is loaded.

More is avoided than was seen to fail: any product of at least four axes with one shared
matrix, if one of the axes but the first is, or may be, of length 1.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from bsgen.measures.operators import graph_ancestors

_PRODUCTS = ("BatchMatMulV2", "BatchMatMulV3")


def sources(traced: Any, num_weights: int) -> set[int] | None:
    """Returns the weights from which the shared matrices of unsafe products come.

    Args:
      traced: a concrete function of weights and more.
      num_weights: how many of its first arguments are weights.

    Returns:
      Their places, none if all products are safe; None if one is unsafe and its matrix
      comes from no weight.
    """
    library = traced.graph.as_graph_def(add_shapes=True).library
    nodes = (node for function in library.function for node in function.node_def)
    if any(_may_be_unsafe(node) for node in nodes):
        return None
    places = {w.op.name: i for i, w in enumerate(traced.inputs[:num_weights])}
    found: set[int] = set()
    for operation in traced.graph.get_operations():
        if operation.type in _PRODUCTS and _is_unsafe(operation):
            sources = graph_ancestors.of(operation.inputs[1].op)
            own = {places[name] for name in sources if name in places}
            if not own:
                return None
            found |= own
    return found


def _is_unsafe(operation: tf.Operation) -> bool:
    left, right = (tensor.shape for tensor in operation.inputs)
    if operation.get_attr("adj_x"):
        return False
    if left.rank is None or right.rank is None:
        return True
    shared = all(length in (1, None) for length in right[:-2])
    return shared and left.rank > 3 and any(n in (1, None) for n in left[1:-2])


def _may_be_unsafe(node: tf.compat.v1.NodeDef) -> bool:
    """Judges an operation inside a function, where only shapes of outputs are kept."""
    if node.op not in _PRODUCTS:
        return False
    (shape,) = node.attr["_output_shapes"].list.shape
    return shape.unknown_rank or any(axis.size in (1, -1) for axis in shape.dim[1:-2])
