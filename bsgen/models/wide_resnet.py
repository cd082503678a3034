"""Wide ResNets with normalisation, or with Regularized SkipInit.

Zagoruyko & Komodakis (2016), arXiv 1605.07146. WRN-16-4 is the main network of Smith,
Elsen & De (2020), section 4, and one of Hoffer et al. (2017), section 6; WRN-28-10 is
in appendices C and D of the former. Regularized SkipInit: De & Smith (2020), arXiv
2002.10444.
"""

import keras

from bsgen import errors, layers
from bsgen.models import assembly, sizes
from bsgen.models import normalization as normalization_lib
from bsgen.models.assembly import Assembly, Tensor

# Our choice: Smith, Elsen & De (2020) do not give the rate of Regularized SkipInit.
SKIP_INIT_DROPOUT = 0.6


def wide_resnet(
    depth: int,
    width: int,
    input_shape: tuple[int, int, int],
    num_classes: int,
    normalization: normalization_lib.Factory | None = normalization_lib.BATCH,
    dropout: float | None = None,
    seed: int = 0,
) -> keras.Model:
    """Builds a pre-activation network of 6 n + 4 layers, `width` times as wide.

    A block is norm, ReLU, conv 3x3, norm, ReLU, conv 3x3; a shortcut that changes the
    shape is a 1x1 convolution of the first ReLU's output; weights are He-normal.

    With `normalization=None` it is Regularized SkipInit: each residual branch ends with
    a scalar that starts at 0, convolutions after the first have biases, and dropout
    precedes the last layer, which starts at 0 (as in the released code of the same
    group, github.com/google-deepmind/deepmind-research, nfnets/skipinit_resnet.py).

    Args:
      depth: 6 n + 4 for n >= 1: 16 or 28 in the papers.
      width: of the groups, as a multiple of 16, 32 and 64; the first layer has 16.
      input_shape: [height, width, channels], sides of at least 4.
      normalization: see `bsgen.models.normalization`; None for Regularized SkipInit.
      dropout: the share dropped before the last layer; None for 0, and for
        SKIP_INIT_DROPOUT without normalisation.

    Raises:
      UserError: no n gives that depth.
    """
    blocks, remainder = divmod(depth - 4, 6)
    if remainder or blocks < 1:
        raise errors.UserError("depth", depth, "give 6 n + 4 for an integer n >= 1")
    skip_init = normalization is None
    if dropout is None:
        dropout = SKIP_INIT_DROPOUT if skip_init else 0.0
    parts = Assembly(seed, normalization)
    inputs = assembly.image_input(input_shape, 4)
    outputs = parts.convolve(inputs, sizes.RESNET_WIDTHS[0], 3, use_bias=False)
    for group, base in enumerate(sizes.RESNET_WIDTHS):
        for block in range(blocks):
            strides = 2 if group and not block else 1
            outputs = _block(parts, outputs, base * width, strides, skip_init)
    outputs = parts.normalize_relu(outputs)
    outputs = keras.layers.GlobalAveragePooling2D()(outputs)
    outputs = parts.dropout(outputs, dropout)
    head = assembly.normal(0.0) if skip_init else assembly.he_normal
    outputs = parts.logits(outputs, num_classes, head)
    return keras.Model(inputs, outputs, name=f"wrn_{depth}_{width}")


def _block(
    parts: Assembly, inputs: Tensor, width: int, strides: int, skip_init: bool
) -> Tensor:
    activated = parts.normalize_relu(inputs)
    shortcut = inputs
    if strides > 1 or inputs.shape[-1] != width:
        shortcut = parts.convolve(activated, width, 1, strides)
    branch = parts.convolve(activated, width, 3, strides)
    branch = parts.convolve(parts.normalize_relu(branch), width, 3)
    if skip_init:
        branch = layers.SkipInit()(branch)
    return keras.layers.Add()([shortcut, branch])
