"""PyTorch as usual: a module, `torch.optim.SGD`, a Python loop over batches."""

import numpy as np
import torch

from benchmarks import ensemble_problem
from benchmarks.ensemble_contenders import peer


class Contender(peer.Peer):
    """See `benchmarks.ensemble_contenders`."""

    most_steps_per_call = 250

    def __init__(self, problem: ensemble_problem.Problem):
        super().__init__(problem.first_run())
        # More threads gain nothing at these sizes, and their spinning barriers are a
        # hundred times slower when another process needs a core.
        torch.set_num_threads(1)
        self._device = "cuda" if torch.cuda.device_count() else "cpu"
        self._inputs = torch.from_numpy(problem.inputs).to(self._device)
        self._labels = torch.from_numpy(problem.labels).long().to(self._device)
        width, hidden = problem.first_weights[0].shape
        model = torch.nn.Sequential(
            torch.nn.Linear(width, hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(hidden, ensemble_problem.NUM_CLASSES),
        )
        with torch.no_grad():
            for own, weight in zip(
                model.parameters(), problem.first_weights, strict=True
            ):
                own.copy_(torch.from_numpy(weight.T))
        self._model = model.to(self._device)
        self._optimizer = torch.optim.SGD(
            self._model.parameters(),
            lr=ensemble_problem.LEARNING_RATE,
            momentum=ensemble_problem.MOMENTUM,
        )

    def take_steps(self, positions: np.ndarray) -> None:
        """Takes a step a batch, positions [K, 1, B]."""
        for batch in torch.from_numpy(positions[:, 0]).to(self._device):
            logits = self._model(self._inputs[batch])
            loss = torch.nn.functional.cross_entropy(logits, self._labels[batch])
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
        loss.item()  # waits for the device

    def weights(self) -> list[np.ndarray]:
        """Returns the weights, [1, ...] each."""
        return [own.detach().cpu().numpy().T[None] for own in self._model.parameters()]
