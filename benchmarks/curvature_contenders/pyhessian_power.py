"""PyHessian 0.1 (Yao et al. 2020): its own class, products and power iteration."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyhessian
import torch

from benchmarks import curvature_contenders, curvature_problem


class _ChannelsLast(torch.nn.Module):
    """Flattens [B, C, H, W] in Keras' order, so that weights of the head agree."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.permute(0, 2, 3, 1).flatten(1)


class Contender:
    """See `benchmarks.curvature_contenders`."""

    start_products = 0.0

    def __init__(self, problem: curvature_problem.Problem):
        model = _network(problem.network)
        with torch.no_grad():
            for own, value in zip(model.parameters(), problem.weights, strict=True):
                order = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[value.ndim]
                own.copy_(torch.from_numpy(value.transpose(order)))
        images = torch.from_numpy(problem.inputs.transpose(0, 3, 1, 2).copy())
        labels = torch.from_numpy(problem.labels).long()
        size = problem.batch_size
        self._batches = list(zip(images.split(size), labels.split(size), strict=True))
        self._model = model
        self._loss = torch.nn.CrossEntropyLoss()
        self._hessian = self._new()

    def gradient(self) -> None:
        """Takes the gradient."""
        for inputs, labels in self._batches:
            self._model.zero_grad()
            self._loss(self._model(inputs), labels).backward()

    def products(self) -> dict[str, Callable[[], object]]:
        """Returns the one way."""
        draw = torch.Generator().manual_seed(0)
        vector = [torch.randn(p.shape, generator=draw) for p in self._hessian.params]
        return {"autograd": lambda: self._hessian.dataloader_hv_product(vector)}

    def search(self, max_products: int, seed: int) -> Iterator[tuple[float, bool]]:
        """Yields the Rayleigh quotients of `pyhessian.hessian.eigenvalues`."""
        torch.manual_seed(seed)
        told: queue.Queue = queue.Queue()
        hessian = self._new()
        product = hessian.dataloader_hv_product

        def listen(vector: Any) -> Any:
            found = product(vector)
            told.put(found[0])
            return found

        hessian.dataloader_hv_product = listen
        # A tolerance below 0 is never met, so that the whole history is seen.
        search = threading.Thread(
            target=hessian.eigenvalues, args=(max_products, -1.0), daemon=True
        )
        search.start()
        last = np.inf
        for _ in range(max_products):
            value = told.get()
            change = abs(last - value) / (abs(last) + 1e-6)
            yield value, bool(change < curvature_contenders.POWER_TOLERANCE)
            last = value
        search.join()

    def _new(self) -> Any:
        return pyhessian.hessian(
            self._model, self._loss, dataloader=self._batches, cuda=False
        )


def _network(name: str) -> torch.nn.Module:
    nn = torch.nn
    if name == "dense":
        sizes = [64, 256, 256]
        hidden: list[Any] = [_ChannelsLast()]
        for before, after in zip(sizes, sizes[1:], strict=False):
            hidden += [nn.Linear(before, after), nn.ReLU()]
        return nn.Sequential(
            *hidden, nn.Linear(sizes[-1], curvature_problem.NUM_CLASSES)
        )
    return nn.Sequential(
        nn.Conv2d(1, 16, 3),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        _ChannelsLast(),
        nn.Linear(4 * 4 * 32, curvature_problem.NUM_CLASSES),
    )
