"""One step of SGD with momentum: Smith & Le (2017), arXiv 1710.06451, eqs. 23-24."""

from __future__ import annotations

from typing import Any


def momentum_update(
    weight: Any,
    accumulator: Any,
    gradient: Any,
    learning_rate: Any,
    momentum: Any,
    l2: Any = 0.0,
    nesterov: bool = False,
) -> tuple[Any, Any]:
    """Returns the weight and the accumulator after one step.

        A <- m A - (g + l2 w),    w <- w + e A, or with Nesterov w + e (m A - g - l2 w).

    Only arithmetic that broadcasts, so it takes NumPy arrays and tensors alike, and one
    call can update a stack of R runs: give the first three a leading axis [R, ...] and
    the settings the shape [R, 1, ..., 1].

    Args:
      weight: w, an array or a tensor of any shape.
      accumulator: A, the shape of `weight`; 0 before the first step.
      gradient: g, of the mean loss, the shape of `weight`.
      learning_rate: e >= 0, a scalar or broadcast against `weight`, as the next two.
      momentum: m in [0, 1).
      l2: strength of the coupled L2, at least 0.
      nesterov: whether to look one step ahead, our choice of form: the paper has none.

    Returns:
      `(new_weight, new_accumulator)`, the shape of `weight`.
    """
    gradient = gradient + l2 * weight
    accumulator = momentum * accumulator - gradient
    step = momentum * accumulator - gradient if nesterov else accumulator
    return weight + learning_rate * step, accumulator
