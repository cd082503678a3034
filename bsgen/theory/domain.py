"""Checks of the formulas' arguments: each returns them as float64 arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bsgen import errors

FloatArray = npt.NDArray[np.float64]


def real(argument: str, values: npt.ArrayLike) -> FloatArray:
    """Returns `values` as float64 if all are finite numbers.

    Args:
      argument: name of the caller's argument, for the message.
      values: a number or an array of any shape.

    Raises:
      UserError: a value is not a number, or is NaN or infinite.
    """
    return _within(argument, values, "a finite number")


def positive(argument: str, values: npt.ArrayLike) -> FloatArray:
    """As `real`, for values above 0."""
    return _within(argument, values, "a finite number above 0", above=0.0)


def at_least(argument: str, values: npt.ArrayLike, minimum: float) -> FloatArray:
    """As `real`, for values of at least `minimum`."""
    remedy = f"a finite number of at least {minimum:g}"
    return _within(argument, values, remedy, minimum=minimum)


def momentum(values: npt.ArrayLike) -> FloatArray:
    """As `real`, for momentum coefficients: at least 0 and below 1."""
    remedy = "a number of at least 0 and below 1"
    return _within("momentum", values, remedy, minimum=0.0, below=1.0)


def batch_size(values: npt.ArrayLike, train_size: npt.ArrayLike) -> FloatArray:
    """As `positive`, for batch sizes of at most `train_size`."""
    sizes, limits = np.broadcast_arrays(
        positive("batch_size", values), positive("train_size", train_size)
    )
    if np.any(sizes > limits):
        index = np.flatnonzero(sizes > limits)[0]
        remedy = (
            f"a batch is at most the training set, train_size={limits.flat[index]:g}"
        )
        raise errors.UserError("batch_size", float(sizes.flat[index]), remedy)
    return sizes


def _within(
    argument: str,
    values: npt.ArrayLike,
    remedy: str,
    minimum: float = -np.inf,
    above: float = -np.inf,
    below: float = np.inf,
) -> FloatArray:
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise errors.UserError(argument, values, f"give {remedy}") from error
    wrong = ~((array >= minimum) & (array > above) & (array < below))
    if np.any(wrong):
        raise errors.UserError(argument, float(array[wrong][0]), f"give {remedy}")
    return array
