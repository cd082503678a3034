"""How large a network is, found without building it, which would take seconds.

A network's function here follows the builder of the same name, layer by layer; a test
compares the two.
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from bsgen import errors

Shape = tuple[int, ...]

VGG_WIDTHS = (64, 128, 256, 512, 512)
# Convolutions of each width, before its max-pooling: Simonyan & Zisserman (2014), table
# 1, columns A and D. Three dense layers make up the depth.
VGG_CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 16: (2, 2, 3, 3, 3)}
# Width of the 3x3 convolutions and number of blocks: He et al. (2016), table 1.
RESNET50_GROUPS = ((64, 3), (128, 4), (256, 6), (512, 3))
RESNET50_EXPANSION = 4
RESNET_WIDTHS = (16, 32, 64)


class Size(NamedTuple):
    """The size of a network.

    Attributes:
      multiplications: of a forward pass on one example, in dense and convolutional
        layers.
      weights: in the kernels of these layers; biases and scales are not counted.
    """

    multiplications: int
    weights: int


class Tally:
    """Adds up the layers of a network; every method returns the shape of its output."""

    def __init__(self) -> None:
        self.size = Size(0, 0)

    def convolve(
        self,
        shape: Shape,
        filters: int,
        size: int,
        strides: int = 1,
        margin: int | None = None,
    ) -> Shape:
        """Adds a convolution, with the arguments of `Assembly.convolve`.

        Raises:
          UserError: the shape is not that of an image.
        """
        if len(shape) != 3:
            remedy = "give (height, width, channels)"
            raise errors.UserError("input_shape", shape, remedy)
        height, width, channels = shape
        margin = size // 2 if margin is None else margin
        rows, columns = (
            _windows(side + 2 * margin, size, strides) for side in (height, width)
        )
        self._add(channels * size**2 * filters, rows * columns)
        return rows, columns, filters

    def dense(self, shape: Shape, *widths: int) -> Shape:
        """Adds dense layers of these widths, the first on flattened inputs."""
        for fan_in, units in itertools.pairwise((math.prod(shape), *widths)):
            self._add(fan_in * units, 1)
        return (widths[-1],)

    def _add(self, weights: int, positions: int) -> None:
        done = self.size
        self.size = Size(
            done.multiplications + weights * positions, done.weights + weights
        )


def pool(shape: Shape, size: int, strides: int, margin: int = 0) -> Shape:
    """Returns the shape of a pooled image, which has `margin` zeros on each side."""
    height, width, channels = shape
    sides = (_windows(side + 2 * margin, size, strides) for side in (height, width))
    return *sides, channels


def mlp(shape: Shape, num_classes: int, hidden_units: Sequence[int] = ()) -> Size:
    """Returns the size of a dense network."""
    tally = Tally()
    tally.dense(shape, *hidden_units, num_classes)
    return tally.size


def logistic_regression(shape: Shape, num_classes: int) -> Size:
    """Returns the size of a linear model, which has one logit for two classes."""
    return mlp(shape, 1 if num_classes == 2 else num_classes)


def shallow_cnn(shape: Shape, num_classes: int, variant: str = "paper") -> Size:
    """Returns the size of C1 and C3."""
    tally = Tally()
    for _ in range(2):
        shape = tally.convolve(shape, 64, 5)
        if variant == "paper":  # its pooling keeps the edges
            height, width, channels = shape
            shape = -(-height // 2), -(-width // 2), channels
        else:
            shape = pool(shape, 3, 2)
    tally.dense(shape, 384, 192, num_classes)
    return tally.size


def resnet(
    shape: Shape,
    num_classes: int,
    depth: int,
    variant: str = "paper",
    multiplier: int = 1,
) -> Size:
    """Returns the size of a ResNet for CIFAR."""
    tally = Tally()
    widths = [multiplier * width for width in RESNET_WIDTHS]
    shape = tally.convolve(shape, widths[0], 3)
    for width in widths:
        for _ in range((depth - 2) // 6):
            strides = 1 if shape[-1] == width else 2
            if strides > 1 and variant == "released":
                tally.convolve(shape, width, 1, strides)
            shape = tally.convolve(shape, width, 3, strides)
            shape = tally.convolve(shape, width, 3)
    tally.dense((shape[-1],), num_classes)
    return tally.size


def wide_resnet(shape: Shape, num_classes: int, depth: int, width: int) -> Size:
    """Returns the size of a wide ResNet."""
    tally = Tally()
    shape = tally.convolve(shape, RESNET_WIDTHS[0], 3)
    for group, base in enumerate(RESNET_WIDTHS):
        for block in range((depth - 4) // 6):
            strides = 2 if group and not block else 1
            if strides > 1 or shape[-1] != base * width:
                tally.convolve(shape, base * width, 1, strides)
            shape = tally.convolve(shape, base * width, 3, strides)
            shape = tally.convolve(shape, base * width, 3)
    tally.dense((shape[-1],), num_classes)
    return tally.size


def vgg(shape: Shape, num_classes: int, depth: int) -> Size:
    """Returns the size of a VGG for CIFAR."""
    tally = Tally()
    for width, repeats in zip(VGG_WIDTHS, VGG_CONVOLUTIONS[depth], strict=True):
        for _ in range(repeats):
            shape = tally.convolve(shape, width, 3)
        shape = pool(shape, 2, 2)
    tally.dense(shape, 512, 512, num_classes)
    return tally.size


def alexnet(shape: Shape, num_classes: int) -> Size:
    """Returns the size of AlexNet."""
    tally = Tally()
    shape = pool(tally.convolve(shape, 64, 11, strides=4, margin=2), 3, 2)
    shape = pool(tally.convolve(shape, 192, 5), 3, 2)
    for filters in (384, 256, 256):
        shape = tally.convolve(shape, filters, 3)
    tally.dense(pool(shape, 3, 2), 4096, 4096, num_classes)
    return tally.size


def resnet50(shape: Shape, num_classes: int) -> Size:
    """Returns the size of ResNet-50."""
    tally = Tally()
    shape = pool(tally.convolve(shape, 64, 7, strides=2), 3, 2, margin=1)
    for group, (width, blocks) in enumerate(RESNET50_GROUPS):
        expanded = RESNET50_EXPANSION * width
        for block in range(blocks):
            strides = 2 if group and not block else 1
            if not block:
                tally.convolve(shape, expanded, 1, strides)
            shape = tally.convolve(shape, width, 1)
            shape = tally.convolve(shape, width, 3, strides)
            shape = tally.convolve(shape, expanded, 1)
    tally.dense((shape[-1],), num_classes)
    return tally.size


def _windows(side: int, size: int, strides: int) -> int:
    return (side - size) // strides + 1
