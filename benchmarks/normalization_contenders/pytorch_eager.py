"""PyTorch's batch normalization: eager, channels last, weights in float32."""

import numpy as np
import torch

from benchmarks import normalization_problem


class Contender:
    """See `benchmarks.normalization_contenders`."""

    def __init__(self, problem: normalization_problem.Problem):
        device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = getattr(torch, problem.dtype)
        # What lies with its channels last is channels last after this.
        self._inputs, self._upstream = (
            torch.from_numpy(np.moveaxis(each, -1, 1)).to(device, dtype)
            for each in problem.arrays()
        )
        dense = len(problem.shape) == 2
        kind = torch.nn.BatchNorm1d if dense else torch.nn.BatchNorm2d
        layer = kind(problem.shape[-1]).to(device)
        self._weights = [layer.weight, layer.bias]
        self._layer = self._prepared(layer)
        self._num_steps = problem.num_steps

    def take_steps(self) -> np.ndarray:
        """Takes the steps of the problem."""
        inputs, upstream = self._inputs, self._upstream
        total = torch.zeros_like(self._weights[1])
        for _ in range(self._num_steps):
            inputs = inputs.detach().requires_grad_()
            outputs = self._layer(inputs)
            inputs, _, of_beta = torch.autograd.grad(
                outputs, [inputs, *self._weights], upstream
            )
            upstream = outputs.detach()
            total += of_beta
        return total.cpu().numpy()  # waits for the device

    def _prepared(self, layer: torch.nn.Module) -> torch.nn.Module:
        return layer
