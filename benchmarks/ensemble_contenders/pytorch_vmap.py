"""PyTorch: all runs by `torch.func.vmap`; on a GPU a step is one CUDA graph."""

from collections.abc import Callable

import numpy as np
import torch
from torch import func

from benchmarks import ensemble_problem
from benchmarks.ensemble_contenders import peer

_CAPTURE_STEPS = 3  # what `torch.cuda.graph` wants to see run before


class Contender(peer.Peer):
    """See `benchmarks.ensemble_contenders`."""

    def __init__(self, problem: ensemble_problem.Problem):
        super().__init__(problem)
        torch.set_num_threads(1)  # see `pytorch_eager`
        self._device = "cuda" if torch.cuda.device_count() else "cpu"
        torch.set_float32_matmul_precision("high")  # TensorFloat-32, as the others
        self._inputs = torch.from_numpy(problem.inputs).to(self._device)
        self._labels = torch.from_numpy(problem.labels).long().to(self._device)
        self._weights = [
            torch.from_numpy(weight).to(self._device) for weight in problem.weights
        ]
        self._velocities = [torch.zeros_like(weight) for weight in self._weights]
        shape = (problem.num_runs, problem.run.batch_size)
        self._batch = torch.zeros(shape, dtype=torch.long, device=self._device)
        self._step = self._captured() if self._device == "cuda" else self._take_step

    def take_steps(self, positions: np.ndarray) -> None:
        """Takes a step a batch, positions [K, R, B]."""
        for batch in torch.from_numpy(positions).to(self._device):
            self._batch.copy_(batch)
            self._step()
        self._weights[-1][0, 0].item()  # waits for the device

    def weights(self) -> list[np.ndarray]:
        """Returns the weights, [R, ...] each."""
        return [weight.cpu().numpy() for weight in self._weights]

    def _take_step(self) -> None:
        gradients = func.vmap(func.grad(_loss))(
            self._weights, self._inputs[self._batch], self._labels[self._batch]
        )
        torch._foreach_mul_(self._velocities, ensemble_problem.MOMENTUM)
        torch._foreach_add_(self._velocities, gradients)
        rate = ensemble_problem.LEARNING_RATE
        torch._foreach_add_(self._weights, self._velocities, alpha=-rate)

    def _captured(self) -> Callable[[], None]:
        """Returns a step recorded as a CUDA graph, from the initial weights."""
        before = [weight.clone() for weight in self._weights]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_CAPTURE_STEPS):
                self._take_step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._take_step()
        for weight, first in zip(self._weights, before, strict=True):
            weight.copy_(first)
        for velocity in self._velocities:
            velocity.zero_()
        return graph.replay


def _loss(
    weights: list[torch.Tensor], inputs: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    kernel, bias, head, head_bias = weights
    logits = torch.relu(inputs @ kernel + bias) @ head + head_bias
    return torch.nn.functional.cross_entropy(logits, labels)
