"""PyTorch as usual: a module, `torch.optim.SGD`, a Python loop over batches."""

import numpy as np
import torch

from benchmarks import ensemble_problem


class Contender:
    """See `benchmarks.ensemble_contenders`."""

    stacked = False

    def __init__(self, problem: ensemble_problem.Problem):
        # More threads gain nothing at these sizes, and their spinning barriers are a
        # hundred times slower when another process needs a core.
        torch.set_num_threads(1)
        self._inputs = torch.from_numpy(problem.inputs)
        self._labels = torch.from_numpy(problem.labels).long()
        width, hidden = problem.weights[0].shape[1:]
        self._model = torch.nn.Sequential(
            torch.nn.Linear(width, hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(hidden, ensemble_problem.NUM_CLASSES),
        )
        with torch.no_grad():
            for own, weight in zip(
                self._model.parameters(), problem.weights, strict=True
            ):
                own.copy_(torch.from_numpy(weight[0].T))
        self._optimizer = torch.optim.SGD(
            self._model.parameters(),
            lr=ensemble_problem.LEARNING_RATE,
            momentum=ensemble_problem.MOMENTUM,
        )

    def take_steps(self, positions: np.ndarray) -> None:
        """Takes a step a batch, positions [K, 1, B]."""
        for batch in torch.from_numpy(positions[:, 0]):
            logits = self._model(self._inputs[batch])
            loss = torch.nn.functional.cross_entropy(logits, self._labels[batch])
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()

    def weights(self) -> list[np.ndarray]:
        """Returns the weights, [1, ...] each."""
        return [own.detach().numpy().T[None] for own in self._model.parameters()]
