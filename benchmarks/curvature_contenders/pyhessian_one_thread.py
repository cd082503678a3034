"""PyHessian with PyTorch on one thread: faster when other processes need a core."""

import torch

from benchmarks import curvature_problem
from benchmarks.curvature_contenders import pyhessian_power


class Contender(pyhessian_power.Contender):
    """See `benchmarks.curvature_contenders`."""

    def __init__(self, problem: curvature_problem.Problem):
        torch.set_num_threads(1)
        super().__init__(problem)
