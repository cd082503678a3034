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
      multiplications: of a forward pass on one example, in dense, recurrent and
        convolutional layers.
      weights: in the kernels of these layers, and in embeddings; biases and scales are
        not counted.
      outputs: numbers that these layers give for one example; of a recurrent one, the
        gates of all tokens.
      layers: how many there are. A recurrent one counts twice for each token, as that
        takes a product and gates.
    """

    multiplications: int
    weights: int
    outputs: int = 0
    layers: int = 0


class Tally:
    """Adds up the layers of a network; `shape` is that of the output so far."""

    def __init__(self, shape: Shape):
        self.shape = self._input_shape = shape
        self._multiplications = self._weights = self._outputs = self._layers = 0

    def convolve(
        self, filters: int, size: int, strides: int = 1, margin: int | None = None
    ) -> None:
        """Adds a convolution, with the arguments of `Assembly.convolve`.

        Raises:
          UserError: the shape is not that of an image.
        """
        if len(self.shape) == 2:  # of one channel
            self.shape = (*self.shape, 1)
        if len(self.shape) != 3:
            remedy = "give (height, width, channels)"
            raise errors.UserError("input_shape", self._input_shape, remedy)
        fan_in = self.shape[-1] * size**2
        self.pool(size, strides, size // 2 if margin is None else margin)
        self._add(fan_in, filters, math.prod(self.shape[:2]))
        self.shape = (*self.shape[:2], filters)

    def shortcut(self, filters: int, strides: int) -> None:
        """Adds a 1x1 convolution beside the layers that follow."""
        before = self.shape
        self.convolve(filters, 1, strides)
        self.shape = before

    def pool(self, size: int, strides: int, margin: int = 0) -> None:
        """Pools an image that has `margin` zeros on each side.

        Raises:
          UserError: nothing is left of it.
        """
        *sides, channels = self.shape
        rows, columns = ((side + 2 * margin - size) // strides + 1 for side in sides)
        if min(rows, columns) < 1:
            remedy = "the images are too small for this network"
            raise errors.UserError("input_shape", self._input_shape, remedy)
        self.shape = rows, columns, channels

    def dense(self, *widths: int) -> Size:
        """Adds dense layers of these widths, the last ones; returns the network's size.

        The first is on flattened inputs.
        """
        for fan_in, units in itertools.pairwise((math.prod(self.shape), *widths)):
            self._add(fan_in, units, 1)
        return Size(self._multiplications, self._weights, self._outputs, self._layers)

    def logits(self, num_classes: int) -> Size:
        """Adds the last layer, on averages over all positions; returns the size."""
        self.shape = self.shape[-1:]
        return self.dense(num_classes)

    def _add(self, fan_in: int, units: int, positions: int) -> None:
        self._weights += fan_in * units
        self._multiplications += fan_in * units * positions
        self._outputs += units * positions
        self._layers += 1


def mlp(shape: Shape, num_classes: int, hidden_units: Sequence[int] = ()) -> Size:
    """Returns the size of a dense network."""
    return Tally(shape).dense(*hidden_units, num_classes)


def residual_mlp(shape: Shape, num_classes: int, hidden_units: Sequence[int]) -> Size:
    """Returns the size of a dense residual network.

    Raises:
      UserError: there is no block.
    """
    if not hidden_units:
        remedy = "give the width of each block, at least one"
        raise errors.UserError("hidden_units", tuple(hidden_units), remedy)
    tally = Tally((math.prod(shape),))
    tally.dense(hidden_units[0])
    tally.shape = (hidden_units[0],)
    for width in hidden_units:
        if tally.shape != (width,):
            tally.dense(width)
        tally.dense(width, width)
        tally.shape = (width,)
    return tally.dense(num_classes)


def autoencoder(shape: Shape, num_classes: int, hidden_units: Sequence[int]) -> Size:
    """Returns the size of a dense network with as many outputs as inputs."""
    return mlp(shape, math.prod(shape), hidden_units)


def logistic_regression(shape: Shape, num_classes: int) -> Size:
    """Returns the size of a linear model, which has one logit for two classes."""
    return mlp(shape, 1 if num_classes == 2 else num_classes)


def lstm(shape: Shape, num_classes: int, hidden_units: Sequence[int] = ()) -> Size:
    """Returns the size of an LSTM on windows of tokens; its embedding is looked up.

    Raises:
      UserError: the inputs are no windows of tokens, or there is no layer.
    """
    if len(shape) != 1:
        remedy = "an LSTM reads windows of tokens; take a dataset that is a text"
        raise errors.UserError("input_shape", shape, remedy)
    if not hidden_units:
        remedy = "give the width of one layer at least"
        raise errors.UserError("hidden_units", hidden_units, remedy)
    pairs = itertools.pairwise((hidden_units[0], *hidden_units))
    weights = sum(4 * units * (below + units) for below, units in pairs)
    weights += hidden_units[-1] * num_classes
    outputs = 4 * sum(hidden_units) + num_classes
    return Size(
        shape[0] * weights,
        weights + num_classes * hidden_units[0],
        shape[0] * outputs,
        2 * shape[0] * len(hidden_units) + 1,
    )


def shallow_cnn(shape: Shape, num_classes: int, variant: str = "paper") -> Size:
    """Returns the size of C1 and C3."""
    tally = Tally(shape)
    for _ in range(2):
        tally.convolve(64, 5)
        tally.pool(3, 2, margin=1 if variant == "paper" else 0)
    return tally.dense(384, 192, num_classes)


def resnet(
    shape: Shape,
    num_classes: int,
    depth: int,
    variant: str = "paper",
    multiplier: int = 1,
) -> Size:
    """Returns the size of a ResNet for CIFAR."""
    tally = Tally(shape)
    widths = [multiplier * width for width in RESNET_WIDTHS]
    tally.convolve(widths[0], 3)
    for width in widths:
        for _ in range((depth - 2) // 6):
            strides = 1 if tally.shape[-1] == width else 2
            if strides > 1 and variant == "released":
                tally.shortcut(width, strides)
            tally.convolve(width, 3, strides)
            tally.convolve(width, 3)
    return tally.logits(num_classes)


def wide_resnet(shape: Shape, num_classes: int, depth: int, width: int) -> Size:
    """Returns the size of a wide ResNet."""
    tally = Tally(shape)
    tally.convolve(RESNET_WIDTHS[0], 3)
    for group, base in enumerate(RESNET_WIDTHS):
        for block in range((depth - 4) // 6):
            strides = 2 if group and not block else 1
            if strides > 1 or tally.shape[-1] != base * width:
                tally.shortcut(base * width, strides)
            tally.convolve(base * width, 3, strides)
            tally.convolve(base * width, 3)
    return tally.logits(num_classes)


def vgg(shape: Shape, num_classes: int, depth: int) -> Size:
    """Returns the size of a VGG for CIFAR."""
    tally = Tally(shape)
    for width, repeats in zip(VGG_WIDTHS, VGG_CONVOLUTIONS[depth], strict=True):
        for _ in range(repeats):
            tally.convolve(width, 3)
        tally.pool(2, 2)
    return tally.dense(512, 512, num_classes)


def alexnet(shape: Shape, num_classes: int) -> Size:
    """Returns the size of AlexNet."""
    tally = Tally(shape)
    tally.convolve(64, 11, strides=4, margin=2)
    tally.pool(3, 2)
    tally.convolve(192, 5)
    tally.pool(3, 2)
    for filters in (384, 256, 256):
        tally.convolve(filters, 3)
    tally.pool(3, 2)
    return tally.dense(4096, 4096, num_classes)


def resnet50(shape: Shape, num_classes: int) -> Size:
    """Returns the size of ResNet-50."""
    tally = Tally(shape)
    tally.convolve(64, 7, strides=2)
    tally.pool(3, 2, margin=1)
    for group, (width, blocks) in enumerate(RESNET50_GROUPS):
        for block in range(blocks):
            strides = 2 if group and not block else 1
            if not block:
                tally.shortcut(RESNET50_EXPANSION * width, strides)
            tally.convolve(width, 1)
            tally.convolve(width, 3, strides)
            tally.convolve(RESNET50_EXPANSION * width, 1)
    return tally.logits(num_classes)
