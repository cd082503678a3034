"""AlexNet with one tower: Krizhevsky (2014), arXiv 1404.5997, batch-normalised.

The network of Hoffer et al. (2017), arXiv 1705.08741, table 2, on ImageNet. Pooling and
normalisation stand where the AlexNet of github.com/eladhoffer/convNet.pytorch has them,
but for the ReLU, always last here; He-normal initial weights are our choice.
"""

import keras

from bsgen.models import assembly
from bsgen.models import normalization as normalization_lib


def alexnet(
    input_shape: tuple[int, int, int],
    num_classes: int,
    normalization: normalization_lib.Factory | None = normalization_lib.BATCH,
    dropout: float = 0.5,
    seed: int = 0,
) -> keras.Model:
    """Builds five convolutions and three dense layers, normalised before the ReLU.

    Inputs have sides of at least 63, 224 in the paper; dropout follows each of the two
    hidden dense layers.
    """
    parts = assembly.Assembly(seed, normalization)
    inputs = assembly.image_input(input_shape, 63)
    outputs = parts.convolve(inputs, 64, 11, strides=4, margin=2)
    outputs = parts.normalize_relu(keras.layers.MaxPooling2D(3, 2)(outputs))
    outputs = parts.convolve(outputs, 192, 5)
    outputs = parts.normalize_relu(keras.layers.MaxPooling2D(3, 2)(outputs))
    outputs = parts.normalize_relu(parts.convolve(outputs, 384, 3))
    outputs = parts.normalize_relu(parts.convolve(outputs, 256, 3))
    outputs = parts.convolve(outputs, 256, 3)
    outputs = parts.normalize_relu(keras.layers.MaxPooling2D(3, 2)(outputs))
    outputs = parts.head(outputs, (4096, 4096), num_classes, dropout)
    return keras.Model(inputs, outputs, name="alexnet")
