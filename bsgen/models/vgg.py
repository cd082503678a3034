"""VGG for CIFAR: Simonyan & Zisserman (2014), arXiv 1409.1556, with a smaller head.

Hoffer et al. (2017), section 6, train "VGG" of a depth that they do not give,
Jastrzebski et al. (2018) VGG-11 with final layers adapted to CIFAR-10. Our choice: 512
units in place of 4096 in the two hidden dense layers, and He-normal weights.
"""

import keras

from bsgen import errors
from bsgen.models import assembly, sizes
from bsgen.models import normalization as normalization_lib


def vgg(
    depth: int,
    input_shape: tuple[int, int, int],
    num_classes: int,
    normalization: normalization_lib.Factory | None = normalization_lib.BATCH,
    dropout: float = 0.5,
    seed: int = 0,
) -> keras.Model:
    """Builds convolutions 3x3 and three dense layers, normalised, He-normal weights.

    Args:
      depth: 11 or 16.
      input_shape: [height, width, channels], sides of at least 32.
      dropout: the share dropped after each of the two hidden dense layers.
    """
    if depth not in sizes.VGG_CONVOLUTIONS:
        known = tuple(sizes.VGG_CONVOLUTIONS)
        raise errors.UserError("depth", depth, f"one of {known}")
    parts = assembly.Assembly(seed, normalization)
    inputs = outputs = assembly.image_input(input_shape, 32)
    convolutions = sizes.VGG_CONVOLUTIONS[depth]
    for width, repeats in zip(sizes.VGG_WIDTHS, convolutions, strict=True):
        for _ in range(repeats):
            outputs = parts.normalize_relu(parts.convolve(outputs, width, 3))
        outputs = keras.layers.MaxPooling2D(2)(outputs)
    outputs = parts.head(outputs, (512, 512), num_classes, dropout)
    return keras.Model(inputs, outputs, name=f"vgg{depth}")
