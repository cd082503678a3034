"""What the runs of a figure have in common: one training task."""

import dataclasses
from typing import Any, TypeVar

from bsgen import config, theory
from bsgen.studies import budgets

_Settings = TypeVar(
    "_Settings", config.DataConfig, config.ModelConfig, config.MomentumConfig
)


@dataclasses.dataclass(frozen=True)
class Task:
    """A training task, from which each run departs by what its figure sweeps.

    Attributes:
      data: the dataset and its training set size; each run draws its own subset.
      model: the network.
      optimizer: its settings, at `batch_size`.
      batch_size: of runs that are given no other.
      budget: how long a run trains and when it is evaluated.
      num_seeds: repeats of every setting.
      precision, loss: of a run, see `config.RunConfig`.
    """

    data: config.DataConfig
    model: config.ModelConfig
    optimizer: config.MomentumConfig
    batch_size: int
    budget: budgets.Budget
    num_seeds: int
    precision: str = "float32"
    loss: str = "cross_entropy"

    def seeds(self, num_seeds: int | None = None) -> range:
        """Returns the seeds of the repeats; None takes the task's own number."""
        return range(num_seeds or self.num_seeds)

    def changed(self, **changes: Any) -> "Task":
        """Returns the task with other settings.

        Args:
          **changes: settings of data, model or optimizer by the names of their fields
            (`name` is the dataset's), or fields of the task.

        Raises:
          TypeError: there is no such setting.
          UserError: a value is out of range.
        """
        data = _changed(self.data, changes)
        model = _changed(self.model, changes)
        optimizer = _changed(self.optimizer, changes)
        changes = {"data": data, "model": model, "optimizer": optimizer, **changes}
        return dataclasses.replace(self, **changes)

    def run(
        self,
        *,
        seed: int,
        batch_size: int | None = None,
        scaling: str = "none",
        **changes: Any,
    ) -> config.RunConfig:
        """Returns one run of the task.

        Args:
          seed: draws the training subset, the initial weights and the batches.
          batch_size: B; None takes the task's own.
          scaling: how the learning rate follows from the task's batch size to B: a
            rule of `theory.scale_learning_rate`.
          **changes: other settings of data, model, optimizer or run by the names of
            their fields, as in `learning_rate=0.1, train_size=500`.

        Raises:
          TypeError: there is no such setting.
          UserError: a value is out of range.
        """
        own = {"precision": self.precision, "loss": self.loss}
        changes = {"subset_seed": seed, **own, **changes}
        data = _changed(self.data, changes)
        model = _changed(self.model, changes)
        optimizer = _changed(self.optimizer, changes)
        size = batch_size or self.batch_size
        rate = theory.scale_learning_rate(
            optimizer.learning_rate, self.batch_size, size, scaling
        )
        optimizer = dataclasses.replace(optimizer, learning_rate=float(rate))
        run = config.RunConfig(data, model, optimizer, size, seed=seed, **changes)
        steps = self.budget.steps(run)
        return dataclasses.replace(run, num_steps=steps[-1], evaluation_steps=steps)


def _changed(settings: _Settings, changes: dict[str, Any]) -> _Settings:
    """Returns `settings` with its own among the changes, which it takes out of them."""
    own = [f.name for f in dataclasses.fields(settings) if f.name in changes]
    return dataclasses.replace(settings, **{name: changes.pop(name) for name in own})
