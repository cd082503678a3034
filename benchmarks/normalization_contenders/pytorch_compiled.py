"""PyTorch's batch normalization by `torch.compile`: forward and backward are fused."""

import torch

from benchmarks.normalization_contenders import pytorch_eager


class Contender(pytorch_eager.Contender):
    """See `benchmarks.normalization_contenders`."""

    def _prepared(self, layer: torch.nn.Module) -> torch.nn.Module:
        return torch.compile(layer, dynamic=False)
