"""The layers that networks are built from, with initial weights drawn by a seed.

Biases start at 0 everywhere. (PyTorch draws them from U(-1/sqrt(n), 1/sqrt(n)) for n
inputs; batch normalization cancels that everywhere but in the last layer.)
"""

import functools
import itertools
from collections.abc import Callable
from typing import TypeAlias

import keras

from bsgen import errors, layers
from bsgen.models import normalization as normalization_lib

Tensor: TypeAlias = keras.KerasTensor
Kernels = Callable[[int], keras.initializers.Initializer]

_scaled = keras.initializers.VarianceScaling


def glorot_uniform(seed: int) -> keras.initializers.Initializer:
    """Returns U(-a, a), a^2 = 6 / (fan in + fan out): Glorot & Bengio (2010)."""
    return keras.initializers.GlorotUniform(seed)


def he_normal(seed: int) -> keras.initializers.Initializer:
    """Returns N(0, 2 / fan in), not truncated: He et al. (2015), arXiv 1502.01852."""
    return _scaled(2.0, "fan_in", "untruncated_normal", seed)


def he_normal_fan_out(seed: int) -> keras.initializers.Initializer:
    """Returns N(0, 2 / fan out), as the ResNets of github.com/eladhoffer/bigBatch."""
    return _scaled(2.0, "fan_out", "untruncated_normal", seed)


def uniform_fan_in(seed: int) -> keras.initializers.Initializer:
    """Returns U(-a, a), a^2 = 1 / fan in: PyTorch's default."""
    return _scaled(1 / 3, "fan_in", "uniform", seed)


def normal(deviation: float) -> Kernels:
    """Returns the kernels N(0, deviation^2)."""
    return functools.partial(keras.initializers.RandomNormal, 0.0, deviation)


def image_input(input_shape: tuple[int, ...], smallest_side: int) -> Tensor:
    """Returns the input of a convolutional network.

    Raises:
      UserError: not [height, width, channels] nor, of one channel, [height, width]; or
        a side is below `smallest_side`.
    """
    if len(input_shape) not in (2, 3) or min(input_shape[:2]) < smallest_side:
        side = f"at least {smallest_side}"
        remedy = f"give (height, width, channels) with height and width of {side}"
        raise errors.UserError("input_shape", tuple(input_shape), remedy)
    return keras.Input(input_shape)


class Assembly:
    """Applies new layers to tensors; the k-th random draw has the seed 1000 seed + k.

    So no two draws have the same seed, in one network or in networks with different
    seeds, as long as a network has fewer than 1000 draws.
    """

    def __init__(
        self,
        seed: int,
        normalization: normalization_lib.Factory | None,
        kernels: Kernels = he_normal,
    ):
        """Starts a network.

        Args:
          seed: of the initial weights and of dropout.
          normalization: the layer that `normalize` adds; None for none, and then other
            layers have biases, which a normalisation behind them would cancel.
          kernels: the initial kernels, from a seed.
        """
        self._normalization = normalization
        self._kernels = kernels
        self._seeds = itertools.count(1000 * seed)

    def convolve(
        self,
        inputs: Tensor,
        filters: int,
        size: int,
        strides: int = 1,
        margin: int | None = None,
        use_bias: bool | None = None,
    ) -> Tensor:
        """Returns a convolution, [batch, height, width, filters].

        Args:
          inputs: [batch, height, width, channels]; [batch, height, width] is taken as
            images of one channel.
          filters: output channels.
          size: side of the kernel, odd.
          strides: in both directions.
          margin: zeros on each side; None for size // 2. Keras' "same" pads a strided
            convolution on the far sides alone, the papers' frameworks on both.
          use_bias: None for a bias where the network has no normalisation.
        """
        if len(inputs.shape) == 3:
            inputs = keras.layers.Reshape((*inputs.shape[1:], 1))(inputs)
        margin = size // 2 if margin is None else margin
        same = strides == 1 and margin == size // 2
        if margin and not same:
            inputs = keras.layers.ZeroPadding2D(margin)(inputs)
        return keras.layers.Conv2D(
            filters,
            size,
            strides,
            padding="same" if same else "valid",
            use_bias=self._normalization is None if use_bias is None else use_bias,
            kernel_initializer=self._kernels(next(self._seeds)),
        )(inputs)

    def dense(self, inputs: Tensor, units: int, use_bias: bool | None = None) -> Tensor:
        """Returns a linear map to [batch, units]; `use_bias` as in `convolve`."""
        return keras.layers.Dense(
            units,
            use_bias=self._normalization is None if use_bias is None else use_bias,
            kernel_initializer=self._kernels(next(self._seeds)),
        )(inputs)

    def normalize(self, inputs: Tensor, gamma_initializer: str = "ones") -> Tensor:
        """Returns the inputs through a new normalisation layer, if there is one."""
        if self._normalization is None:
            return inputs
        return self._normalization(gamma_initializer=gamma_initializer)(inputs)

    def normalize_relu(self, inputs: Tensor) -> Tensor:
        """Returns ReLU(normalize(inputs))."""
        return keras.layers.ReLU()(self.normalize(inputs))

    def dropout(self, inputs: Tensor, rate: float) -> Tensor:
        """Returns the inputs with a share `rate` dropped in training."""
        if rate == 0:
            return inputs
        return layers.Dropout(rate, seed=next(self._seeds))(inputs)

    def head(
        self,
        inputs: Tensor,
        widths: tuple[int, ...],
        num_classes: int,
        dropout: float,
        use_bias: bool | None = None,
    ) -> Tensor:
        """Returns logits behind normalised dense layers of `widths`, with dropout."""
        outputs = keras.layers.Flatten()(inputs)
        for width in widths:
            outputs = self.normalize_relu(self.dense(outputs, width, use_bias))
            outputs = self.dropout(outputs, dropout)
        return self.logits(outputs, num_classes)

    def logits(
        self, inputs: Tensor, num_classes: int, kernels: Kernels | None = None
    ) -> Tensor:
        """Returns [batch, num_classes], in full precision under a mixed policy."""
        return keras.layers.Dense(
            num_classes,
            kernel_initializer=(kernels or self._kernels)(next(self._seeds)),
            dtype=keras.config.dtype_policy().variable_dtype,
        )(inputs)
