"""Input scalings by name, each fitted to the training examples only.

Smith & Le (2017), arXiv:1710.06451, do not say how they scale the inputs of the network
of section 4. Our choice is "unit_norm": with it a learning rate of 1 trains stably, as
theirs does; with pixels in [0, 1] or standardised ones it does not.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from bsgen import errors

# Means and standard deviations of ImageNet's channels on [0, 1], as in PyTorch's
# examples and in `preprocess.py` of eladhoffer/bigBatch.
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])
_IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225])


@dataclasses.dataclass(frozen=True, eq=False)
class Scaling:
    """The affine map x -> (x - offset) * scale.

    Attributes:
      offset: float32, [D...], or [C] for one value a channel, the last axis.
      scale: float32, [], [D...] or [C].
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
    - "standardize_channels": gives each channel of images (the last axis) mean 0 and
      variance 1 over images and pixels.
    - "imagenet": takes x / 255 to (x / 255 - mean) / deviation with the constants of
      ImageNet's three channels; nothing is fitted. The code that Hoffer et al. (2017)
      released does so for CIFAR too.
    - "none": leaves the inputs as they are.

    Args:
      name: one of `names()`.
      inputs: training inputs [N, D...], N at least 1.

    Raises:
      UserError: the name is unknown, all training inputs are equal, or the scaling is
        for inputs of another shape or type.
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


def _standardize_channels(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if inputs.ndim != 4:
        raise _unfit("standardize_channels", inputs, "images with a channel axis")
    mean, variance = _moments(inputs, axes=(0, 1, 2))
    return mean, _inverse(np.sqrt(variance))


def _imagenet(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if inputs.ndim != 4 or inputs.shape[-1] != 3 or inputs.dtype != np.uint8:
        raise _unfit("imagenet", inputs, "uint8 images with three channels")
    return 255 * _IMAGENET_MEAN, 1 / (255 * _IMAGENET_DEVIATION)


def _none(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(inputs.shape[1:]), np.array(1.0)


_FITS: dict[str, Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
    "unit_norm": _unit_norm,
    "unit_interval": _unit_interval,
    "standardize": _standardize,
    "standardize_channels": _standardize_channels,
    "imagenet": _imagenet,
    "none": _none,
}


def _moments(
    inputs: np.ndarray, axes: tuple[int, ...] = (0,)
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance (over n, not n - 1) along `axes`, in float64, two passes."""
    mean = inputs.mean(axis=axes, dtype=np.float64)
    count = math.prod(inputs.shape[axis] for axis in axes)
    # Pieces of the rows bound the memory that the float64 copy takes.
    pieces = np.array_split(inputs, len(inputs) // 4096 + 1)
    variance = sum(np.square(piece - mean).sum(axis=axes) for piece in pieces) / count
    return mean, variance


def _unfit(name: str, inputs: np.ndarray, needed: str) -> errors.UserError:
    remedy = f"it is for {needed}, but these have shape {inputs.shape[1:]} "
    return errors.UserError("scaling", name, f"{remedy}and type {inputs.dtype}")


def _inverse(values: np.ndarray) -> np.ndarray:
    """1 / values, and 0 where the value is 0."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values != 0)
