"""How long a run trains, and the steps after which it is evaluated."""

import dataclasses
import functools
import math

import numpy as np

from bsgen import config, errors


@dataclasses.dataclass(frozen=True)
class Steps:
    """A number of parameter updates, whatever the batch size.

    Attributes:
      num_steps: at least 1.
      evaluations_per_decade: evenly spaced on a logarithmic axis from step 1 on, and
        one before the first step; 0 to evaluate at the end only.
    """

    num_steps: int
    evaluations_per_decade: int = 0

    def steps(self, run: config.RunConfig) -> tuple[int, ...]:
        """Returns the steps to evaluate after, rising; the last one ends the run."""
        if not self.evaluations_per_decade:
            return (self.num_steps,)
        return (0, *log_spaced(self.evaluations_per_decade, self.num_steps))


@dataclasses.dataclass(frozen=True)
class Epochs:
    """A number of passes over the training set: larger batches take fewer steps.

    Attributes:
      num_epochs: passes; fractions are allowed.
      num_evaluations: after equal parts of the epochs, and one before the first step,
        so that the k-th evaluations of runs of any batch size can be compared; 0 to
        evaluate at the end only.
      evaluations_per_decade: besides, as of `Steps`; none for 0.
      rounds_down: whether no step goes beyond the epochs, as Smith, Elsen & De (2020)
        count; otherwise the nearest number of whole batches is taken.
    """

    num_epochs: float
    num_evaluations: int = 0
    evaluations_per_decade: int = 0
    rounds_down: bool = False

    def steps(self, run: config.RunConfig) -> tuple[int, ...]:
        """As `Steps.steps`; as near to each mark as whole batches allow.

        Raises:
          UserError: the run leaves open how many examples it trains on.
        """
        if run.data.train_size is None:
            remedy = "a budget in epochs needs it"
            raise errors.UserError("train_size", None, remedy)
        train_size = run.data.train_size
        size = run.batch_size or train_size
        if run.data.sampling == "contiguous":
            # Of a text, an epoch has the windows of whole steps.
            train_size -= train_size % size
        return _steps(self, size, run.batch_size_schedule, train_size)


Budget = Steps | Epochs


def log_spaced(per_decade: int, num_steps: int) -> list[int]:
    """Returns steps from 1 to the last, evenly spaced on a logarithmic axis.

    Args:
      per_decade: how many from 10 to 100, or a little more; fewer where they would
        round to the same step.
      num_steps: the last one, at least 1.
    """
    number = int(per_decade * np.log10(num_steps)) + 2
    steps = np.geomspace(1, num_steps, number).round().astype(int)
    return np.unique(steps).tolist()


# Most runs of a study differ in seed and learning rate only, and may have millions of
# steps.
@functools.lru_cache(maxsize=256)
def _steps(
    budget: Epochs, batch_size: int, schedule: config.Schedule, train_size: int
) -> tuple[int, ...]:
    marks = np.array([float(budget.num_epochs)])
    if count := budget.num_evaluations:
        marks = budget.num_epochs * np.arange(count + 1) / count
    places = _places(batch_size, schedule, train_size, marks[-1] * train_size)
    epochs = places / train_size
    after = np.searchsorted(epochs, marks).clip(1, len(epochs) - 1)
    before_is_nearer = marks - epochs[after - 1] <= epochs[after] - marks
    if budget.rounds_down:  # with some air for marks that are no binary fractions
        before_is_nearer = epochs[after] > marks * (1 + 1e-12)
    steps = (after - before_is_nearer).tolist()
    if not budget.evaluations_per_decade:
        return tuple(steps)
    logarithmic = log_spaced(budget.evaluations_per_decade, steps[-1])
    return tuple(sorted({0, *steps, *logarithmic}))


def _places(
    batch_size: int, schedule: config.Schedule, train_size: int, num_examples: float
) -> np.ndarray:
    """Returns how many examples a run has seen before each step, up to `num_examples`.

    A cyclic batch size follows the formula of `bsgen.optimizers.schedules`, which this
    module cannot import without TensorFlow.
    """
    if isinstance(schedule, config.Constant):
        return batch_size * np.arange(math.ceil(num_examples / batch_size) + 1)
    if not isinstance(schedule, config.Cyclic):
        remedy = "give a budget in steps; epochs are counted for cyclic ones only"
        raise errors.UserError("batch_size_schedule", schedule.name, remedy)
    factors = schedule.factors
    places = [0]
    while places[-1] < num_examples:
        turns = places[-1] / (schedule.period * train_size)
        part = math.floor(len(factors) * turns + 1e-9)
        places.append(places[-1] + round(batch_size * factors[part % len(factors)]))
    return np.array(places)
