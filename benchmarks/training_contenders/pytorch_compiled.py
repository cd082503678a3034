"""PyTorch with network and loss compiled by `torch.compile`."""

import torch

from benchmarks import training_problem
from benchmarks.training_contenders import pytorch_eager


class Contender(pytorch_eager.Contender):
    """See `benchmarks.training_contenders`."""

    mode = "default"

    def __init__(self, problem: training_problem.Problem):
        super().__init__(problem)
        compiled = torch.compile(self._loss, dynamic=False, mode=self.mode)
        self._loss = compiled  # type: ignore[method-assign]
