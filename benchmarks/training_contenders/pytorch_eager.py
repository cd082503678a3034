"""PyTorch as usual: eager, channels last, `torch.autocast` for bfloat16.

Autocast keeps the weights in float32, as Keras' mixed precision does; weights in
bfloat16 would be other training, and were slower.
"""

import numpy as np
import torch

from benchmarks import training_problem
from benchmarks.training_contenders import pytorch_networks


class Contender:
    """See `benchmarks.training_contenders`."""

    num_threads: int | None = None  # PyTorch's default, all cores

    def __init__(self, problem: training_problem.Problem):
        if self.num_threads:
            torch.set_num_threads(self.num_threads)
        images, labels = problem.data()
        self._images = torch.from_numpy(images)
        self._labels = torch.from_numpy(labels).long()
        self._mixed = problem.dtype != "float32"
        model = getattr(pytorch_networks, problem.model)(training_problem.NUM_CLASSES)
        self._model = model.to(memory_format=torch.channels_last)
        self._optimizer = torch.optim.SGD(
            self._model.parameters(),
            lr=training_problem.LEARNING_RATE,
            momentum=training_problem.MOMENTUM,
        )

    def take_steps(self, positions: np.ndarray) -> None:
        """Takes a step a batch, positions [K, B]."""
        for batch in torch.from_numpy(positions).long():
            # What lies as [B, height, width, channels] is channels last after this.
            images = self._images[batch].permute(0, 3, 1, 2)
            images = images.float() / training_problem.PIXEL_RANGE
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._mixed):
                logits = self._model(images)
            loss = torch.nn.functional.cross_entropy(
                logits.float(), self._labels[batch]
            )
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()

    def num_parameters(self) -> int:
        """Returns the number of trainable parameters."""
        return sum(each.numel() for each in self._model.parameters())
