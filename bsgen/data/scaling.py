"""Input scalings by name, each fitted on the training examples only.

Smith & Le (2017), arXiv:1710.06451, do not say how they scale the inputs of the network
of section 4. Our choice is "unit_norm": with it a learning rate of 1 trains stably, as
theirs does; with pixels in [0, 1] or standardised ones it does not.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from bsgen import errors


@dataclasses.dataclass(frozen=True, eq=False)
class Scaling:
    """The affine map x -> (x - offset) * scale.

    Attributes:
      offset: [D...] float32.
      scale: float32, [] or [D...].
    """

    offset: np.ndarray
    scale: np.ndarray

    def apply(self, inputs: np.ndarray) -> np.ndarray:
        """Returns the scaled inputs [n, D...] as float32."""
        return (inputs.astype(np.float32) - self.offset) * self.scale


def names() -> tuple[str, ...]:
    """Returns the names of all scalings."""
    return tuple(_FITS)


def fit(name: str, inputs: np.ndarray) -> Scaling:
    """Fits a scaling to training inputs.

    - "unit_norm": subtracts the mean input, and divides by one number so that the mean
      squared norm of an input is 1.
    - "unit_interval": one affine map for all components takes the smallest value to 0
      and the largest to 1, which is x / 255 for MNIST and x / 16 for the digits.
    - "standardize": gives each component mean 0 and variance 1. A component that does
      not vary over the training inputs becomes 0 everywhere, in test inputs too.
    - "none": leaves the inputs as they are.

    Args:
      name: one of `names()`.
      inputs: training inputs [N, D...], N at least 1.

    Raises:
      UserError: the name is unknown, or all training inputs are equal, so that there is
        nothing to divide by.
    """
    if name not in _FITS:
        raise errors.unknown_name("scaling", name, _FITS)
    offset, factor = _FITS[name](inputs)
    if not np.any(factor):
        remedy = "the training inputs are all equal: take more of them, or 'none'"
        raise errors.UserError("scaling", name, remedy)
    return Scaling(offset.astype(np.float32), np.asarray(factor, np.float32))


def _unit_norm(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, variance = _moments(inputs)
    return mean, _inverse(np.sqrt(variance.sum()))


def _unit_interval(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    smallest, largest = float(inputs.min()), float(inputs.max())
    return np.full(inputs.shape[1:], smallest), _inverse(np.array(largest - smallest))


def _standardize(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, variance = _moments(inputs)
    return mean, _inverse(np.sqrt(variance))


def _none(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(inputs.shape[1:]), np.array(1.0)


_FITS: dict[str, Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
    "unit_norm": _unit_norm,
    "unit_interval": _unit_interval,
    "standardize": _standardize,
    "none": _none,
}


def _moments(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance (over N, not N - 1) per component, in float64, two passes."""
    mean = inputs.mean(axis=0, dtype=np.float64)
    # Pieces of the rows bound the memory that the float64 copy takes.
    pieces = np.array_split(inputs, len(inputs) // 4096 + 1)
    variance = sum(np.square(piece - mean).sum(axis=0) for piece in pieces) / len(
        inputs
    )
    return mean, variance


def _inverse(values: np.ndarray) -> np.ndarray:
    """1 / values, and 0 where the value is 0."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values != 0)
