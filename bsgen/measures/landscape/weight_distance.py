"""How far weights have moved: the distance of Hoffer et al. (2017), section 3.

Hoffer, Hubara & Soudry (2017), arXiv 1705.08741, follow |w_t - w_0| in training and
find that it grows with log t.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from bsgen import errors


@dataclasses.dataclass(frozen=True)
class WeightDistance:
    """An L2 distance of trainable weights.

    Attributes:
      value: over all weights together.
      per_variable: of each variable, by place and path, "0:dense/kernel", or by its
        place in a list of arrays.
    """

    value: float
    per_variable: dict[str, float]


def weight_distance(
    model: keras.Model | Sequence[Any], other: keras.Model | Sequence[Any]
) -> WeightDistance:
    """Returns |w - w'| in float64.

    Args:
      model: a built model, or its trainable weights as a list of arrays, such as
        `[v.numpy() for v in model.trainable_variables]` kept from the start.
      other: the same, of equal shapes.

    Raises:
      UserError: there are no trainable weights, or their shapes differ.
    """
    pairs = list(_weights("model", model).items())
    others = list(_weights("other", other).values())
    shapes = [value.shape for _, value in pairs]
    other_shapes = [value.shape for value in others]
    if shapes != other_shapes:
        remedy = f"its weights must have the shapes {shapes} of the first"
        raise errors.UserError("other", other_shapes, remedy)
    squares = {
        name: float(np.sum(np.subtract(value, o, dtype=np.float64) ** 2))
        for (name, value), o in zip(pairs, others, strict=True)
    }
    return WeightDistance(
        float(np.sqrt(sum(squares.values()))),
        {name: float(np.sqrt(square)) for name, square in squares.items()},
    )


def _weights(argument: str, given: Any) -> dict[str, np.ndarray]:
    named: list[tuple[str, Any]] = []
    if isinstance(given, keras.Model):
        # Two variables of one model may share a path.
        variables = enumerate(given.trainable_variables)
        named = [(f"{i}:{v.path}", v.numpy()) for i, v in variables]
    elif isinstance(given, list | tuple):
        named = [(str(i), value) for i, value in enumerate(given)]
    if not named:
        remedy = "give a built model with trainable weights, or a list of arrays"
        raise errors.UserError(argument, type(given).__name__, remedy)
    return {name: np.asarray(value) for name, value in named}
