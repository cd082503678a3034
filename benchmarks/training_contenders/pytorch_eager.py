"""PyTorch as usual: eager, channels last, `torch.autocast` for bfloat16.

Autocast keeps the weights in float32, as Keras' mixed precision does; weights in
bfloat16 would be other training, and were slower on a CPU. On a GPU cuDNN chooses its
algorithms by timing them, the update is PyTorch's fused one, and float32 products may
be rounded to TensorFloat-32, as TensorFlow does by default.
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
        on_gpu = torch.cuda.is_available()
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high" if on_gpu else "highest")
        self._device = "cuda" if on_gpu else "cpu"
        images, labels = problem.data()
        self._images = torch.from_numpy(images).to(self._device)
        self._labels = torch.from_numpy(labels).long().to(self._device)
        self._mixed = problem.dtype != "float32"
        model = getattr(pytorch_networks, problem.model)(training_problem.NUM_CLASSES)
        self._model = model.to(self._device, memory_format=torch.channels_last)
        self._optimizer = torch.optim.SGD(
            self._model.parameters(),
            lr=training_problem.LEARNING_RATE,
            momentum=training_problem.MOMENTUM,
            fused=on_gpu,
        )

    def take_steps(self, positions: np.ndarray) -> None:
        """Takes a step a batch, positions [K, B]."""
        for batch in torch.from_numpy(positions).long().to(self._device):
            self._optimizer.zero_grad()
            self._loss(self._images[batch], self._labels[batch]).backward()
            self._optimizer.step()
        if self._device == "cuda":
            torch.cuda.synchronize()

    def _loss(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        # What lies as [B, height, width, channels] is channels last after this.
        images = images.permute(0, 3, 1, 2).float() / training_problem.PIXEL_RANGE
        with torch.autocast(self._device, torch.bfloat16, enabled=self._mixed):
            logits = self._model(images)
        return torch.nn.functional.cross_entropy(logits.float(), labels)

    def num_parameters(self) -> int:
        """Returns the number of trainable parameters."""
        return sum(each.numel() for each in self._model.parameters())
