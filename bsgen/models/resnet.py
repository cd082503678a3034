"""ResNets for CIFAR: He et al. (2016), arXiv 1512.03385, section 4.2.

ResNet-44 is the main network of Hoffer et al. (2017), arXiv 1705.08741; ResNet-56 is
one of Jastrzebski et al. (2018). The released form, four times as wide, is also the
wide ResNet in the code of Hoffer et al.
"""

import keras

from bsgen import errors
from bsgen.models import assembly, sizes
from bsgen.models import normalization as normalization_lib
from bsgen.models.assembly import Assembly, Tensor


def resnet(
    depth: int,
    input_shape: tuple[int, int, int],
    num_classes: int,
    normalization: normalization_lib.Factory | None = normalization_lib.BATCH,
    variant: str = "paper",
    seed: int = 0,
    multiplier: int = 1,
    name: str | None = None,
) -> keras.Model:
    """Builds 6 n + 2 layers: n blocks of two convolutions at each of three widths.

    Args:
      depth: 6 n + 2 for n >= 1; 44 and 56 in the papers.
      input_shape: [height, width, channels], sides of at least 4.
      variant: "paper" has shortcuts without weights, which subsample and append zero
        channels (option A of He et al.), and N(0, 2 / fan in) weights throughout.
        "released" is github.com/eladhoffer/bigBatch, models/resnet.py: shortcuts that
        change the shape are 1x1 convolutions with a normalisation (option B), the
        convolutions' weights N(0, 2 / fan out), the last layer's PyTorch's default.
      multiplier: of the widths 16, 32 and 64.
      name: of the model; None for "resnet" and the depth.

    Raises:
      UserError: no n gives that depth.
    """
    blocks, remainder = divmod(depth - 2, 6)
    if remainder or blocks < 1:
        raise errors.UserError("depth", depth, "give 6 n + 2 for an integer n >= 1")
    paper = variant == "paper"
    kernels = assembly.he_normal if paper else assembly.he_normal_fan_out
    parts = Assembly(seed, normalization, kernels)
    shortcut = _pad_shortcut if paper else _projection_shortcut
    inputs = assembly.image_input(input_shape, 4)
    widths = [multiplier * width for width in sizes.RESNET_WIDTHS]
    outputs = parts.normalize_relu(parts.convolve(inputs, widths[0], 3))
    for width in widths:
        for _ in range(blocks):
            strides = 1 if outputs.shape[-1] == width else 2
            around = shortcut(parts, outputs, width) if strides > 1 else outputs
            branch = parts.normalize_relu(parts.convolve(outputs, width, 3, strides))
            branch = parts.normalize(parts.convolve(branch, width, 3))
            outputs = keras.layers.ReLU()(keras.layers.Add()([around, branch]))
    outputs = keras.layers.GlobalAveragePooling2D()(outputs)
    head = assembly.he_normal if paper else assembly.uniform_fan_in
    outputs = parts.logits(outputs, num_classes, head)
    return keras.Model(inputs, outputs, name=name or f"resnet{depth}")


def _pad_shortcut(parts: Assembly, inputs: Tensor, width: int) -> Tensor:
    del parts  # it has no weights
    every_second = keras.layers.AveragePooling2D(1, 2)(inputs)
    added = width - inputs.shape[-1]
    return keras.ops.pad(every_second, ((0, 0), (0, 0), (0, 0), (0, added)))


def _projection_shortcut(parts: Assembly, inputs: Tensor, width: int) -> Tensor:
    return parts.normalize(parts.convolve(inputs, width, 1, strides=2))
