"""ResNet-44 and WRN-16-4 written in PyTorch: the same networks as `bsgen.models`'.

He et al. (2016), arXiv 1512.03385, section 4.2, with shortcuts without weights;
Zagoruyko & Komodakis (2016), arXiv 1605.07146, pre-activation.
"""

import torch
from torch import nn
from torch.nn import functional


def resnet44(num_classes: int) -> nn.Module:
    """Returns 7 blocks of two convolutions at each of the widths 16, 32 and 64."""
    stem = [_convolution(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU()]
    blocks = _groups(_ResNetBlock, 7, 16, (16, 32, 64))
    return nn.Sequential(*stem, *blocks, *_head(64, num_classes))


def wrn_16_4(num_classes: int) -> nn.Module:
    """Returns 2 pre-activation blocks at each of the widths 64, 128 and 256."""
    blocks = _groups(_WideBlock, 2, 16, (64, 128, 256))
    last = [nn.BatchNorm2d(256), nn.ReLU()]
    return nn.Sequential(
        _convolution(3, 16, 3), *blocks, *last, *_head(256, num_classes)
    )


class _ResNetBlock(nn.Module):
    def __init__(self, channels: int, width: int, strides: int):
        super().__init__()
        self._strides = strides
        self._added = width - channels
        self._branch = nn.Sequential(
            _convolution(channels, width, 3, strides),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            _convolution(width, width, 3),
            nn.BatchNorm2d(width),
        )

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        around = inputs
        if self._added:
            around = inputs[:, :, :: self._strides, :: self._strides]
            around = functional.pad(around, (0, 0, 0, 0, 0, self._added))
        return functional.relu(around + self._branch(inputs))


class _WideBlock(nn.Module):
    def __init__(self, channels: int, width: int, strides: int):
        super().__init__()
        self._activation = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
        self._branch = nn.Sequential(
            _convolution(channels, width, 3, strides),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            _convolution(width, width, 3),
        )
        self._shortcut = None
        if channels != width:
            self._shortcut = _convolution(channels, width, 1, strides)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        activated = self._activation(inputs)
        around = self._shortcut(activated) if self._shortcut else inputs
        return around + self._branch(activated)


def _convolution(channels: int, width: int, size: int, strides: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, width, size, strides, size // 2, bias=False)


def _groups(
    block: type[nn.Module], blocks: int, channels: int, widths: tuple[int, ...]
) -> list[nn.Module]:
    layers = []
    for width in widths:
        for index in range(blocks):
            strides = 1 if index or width == widths[0] else 2
            layers.append(block(channels, width, strides))
            channels = width
    return layers


def _head(channels: int, num_classes: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
