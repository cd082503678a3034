"""C1 and C3, the shallow convolutional networks of Hoffer et al. (2017), section 6.

Hoffer et al. (2017), arXiv 1705.08741, take them from Keskar et al. (2017), arXiv
1609.04836. They are one network: C1 has the 10 classes of CIFAR-10, C3 the 100 of
CIFAR-100.
"""

import keras

from bsgen.models import assembly
from bsgen.models import normalization as normalization_lib


def shallow_cnn(
    input_shape: tuple[int, int, int],
    num_classes: int,
    normalization: normalization_lib.Factory | None = normalization_lib.BATCH,
    variant: str = "paper",
    dropout: float = 0.5,
    seed: int = 0,
    name: str = "shallow_cnn",
) -> keras.Model:
    """Builds two convolutions 5x5 with 64 filters and dense layers of 384 and 192.

    Args:
      input_shape: [height, width, channels], sides of at least 8.
      variant: "paper" is the form that Keskar et al. released
        (github.com/keskarnitish/large-batch-training, network_zoo.py): biases;
        normalisation and ReLU before a max-pooling 3x3 / 2 that keeps the edges;
        Glorot-uniform weights. "released" is that of Hoffer et al.
        (github.com/eladhoffer/bigBatch, models/cifar_shallow.py): no biases; pooling
        first, without the edges; PyTorch's default weights.
      dropout: the share dropped after each of the two dense layers.
    """
    paper = variant == "paper"
    kernels = assembly.glorot_uniform if paper else assembly.uniform_fan_in
    parts = assembly.Assembly(seed, normalization, kernels)
    use_bias = True if paper else None
    inputs = outputs = assembly.image_input(input_shape, 8)
    for _ in range(2):
        outputs = parts.convolve(outputs, 64, 5, use_bias=use_bias)
        if paper:
            outputs = parts.normalize_relu(outputs)
            outputs = keras.layers.MaxPooling2D(3, 2, padding="same")(outputs)
        else:
            outputs = keras.layers.MaxPooling2D(3, 2)(outputs)
            outputs = parts.normalize_relu(outputs)
    outputs = parts.head(outputs, (384, 192), num_classes, dropout, use_bias)
    return keras.Model(inputs, outputs, name=name)
