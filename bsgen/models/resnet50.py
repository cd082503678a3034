"""ResNet-50 for ImageNet as modified by Goyal et al. (2017), arXiv 1706.02677.

The stride of a block is in its 3x3 convolution, the scale of each block's last
normalisation starts at 0, the last layer at N(0, 0.01^2). Smith, Elsen & De (2020),
appendix B.2, train it.
"""

import keras

from bsgen.models import assembly, sizes
from bsgen.models import normalization as normalization_lib
from bsgen.models.assembly import Assembly, Tensor


def resnet50(
    input_shape: tuple[int, int, int],
    num_classes: int,
    normalization: normalization_lib.Factory | None = normalization_lib.BATCH,
    seed: int = 0,
) -> keras.Model:
    """Builds 16 bottleneck blocks behind a 7x7 convolution, He-normal weights.

    Inputs have sides of at least 32, 224 in the paper.
    """
    parts = Assembly(seed, normalization)
    inputs = assembly.image_input(input_shape, 32)
    outputs = parts.normalize_relu(parts.convolve(inputs, 64, 7, strides=2))
    # Zeros pad as minus infinity would: nothing behind a ReLU is below 0.
    outputs = keras.layers.ZeroPadding2D(1)(outputs)
    outputs = keras.layers.MaxPooling2D(3, 2)(outputs)
    for group, (width, blocks) in enumerate(sizes.RESNET50_GROUPS):
        for block in range(blocks):
            strides = 2 if group and not block else 1
            outputs = _bottleneck(parts, outputs, width, strides)
    outputs = keras.layers.GlobalAveragePooling2D()(outputs)
    outputs = parts.logits(outputs, num_classes, assembly.normal(0.01))
    return keras.Model(inputs, outputs, name="resnet50")


def _bottleneck(parts: Assembly, inputs: Tensor, width: int, strides: int) -> Tensor:
    expanded = sizes.RESNET50_EXPANSION * width
    shortcut = inputs
    if inputs.shape[-1] != expanded:
        shortcut = parts.convolve(inputs, expanded, 1, strides)
        shortcut = parts.normalize(shortcut)
    branch = parts.normalize_relu(parts.convolve(inputs, width, 1))
    branch = parts.normalize_relu(parts.convolve(branch, width, 3, strides))
    branch = parts.convolve(branch, expanded, 1)
    branch = parts.normalize(branch, gamma_initializer="zeros")
    return keras.layers.ReLU()(keras.layers.Add()([shortcut, branch]))
