"""The operations of a graph from which another one is computed."""

from __future__ import annotations

import tensorflow as tf


def of(operation: tf.Operation) -> dict[str, tf.Operation]:
    """Returns an operation and all that its inputs come from, by name."""
    found = {operation.name: operation}
    waiting = [operation]
    while waiting:
        for tensor in waiting.pop().inputs:
            if tensor.op.name not in found:
                found[tensor.op.name] = tensor.op
                waiting.append(tensor.op)
    return found
