"""The plan of a run: batch size, place in the data and learning rate of every step.

A step t counts parameter updates from 0. Batch t takes B_t = round(B x factor) examples
(halves to the even neighbour, at least 1) from place P_t = B_0 + ... + B_(t-1) on of
the endless stream of examples; its epoch is P_t / N. A schedule in epochs therefore
depends on the batch sizes before it, one in steps does not. The factors are those of
`bsgen.optimizers.schedules`.

With independent sampling there is no stream: only B_t counts, and P_t / N is how many
examples have been drawn, in training sets. With contiguous sampling an epoch has the
floor(N / B) B windows of the B streams of `bsgen.data.text`, in place of N.
"""

import dataclasses
import fractions
import functools
from typing import Literal

import numpy as np

from bsgen import config, errors
from bsgen.config import schedule_budget
from bsgen.optimizers import schedules

# Steps whose batch sizes are solved for together where they depend on each other: more
# steps need more iterations, and fewer waste NumPy's overhead.
_WINDOW_STEPS = 128


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """The batch and learning rate of each of the T steps of a run.

    Attributes:
      batch_sizes: B_t, int32 [T].
      first_places: P_t, int64 [T], in the endless stream of examples.
      learning_rates: float32 [T].
      resets: bool [T], whether the optimizer's accumulators go back to 0 before it.
      train_size: N, or the examples of an epoch where those are fewer.
    """

    batch_sizes: np.ndarray
    first_places: np.ndarray
    learning_rates: np.ndarray
    resets: np.ndarray
    train_size: int

    @property
    def num_steps(self) -> int:
        """T."""
        return len(self.batch_sizes)

    @functools.cached_property
    def epochs(self) -> np.ndarray:
        """The epochs completed before each step and at the end, float64 [T + 1]."""
        end = self.first_places[-1] + self.batch_sizes[-1]
        return np.append(self.first_places, end) / self.train_size

    @functools.cached_property
    def begins_epoch(self) -> np.ndarray:
        """Whether a step is the first that begins in its epoch, bool [T]."""
        return np.diff(self.first_places // self.train_size, prepend=-1) > 0

    def segment_end(self, step: int) -> int:
        """Returns the next step at which the batch size changes, or T.

        Raises:
          UserError: the step is out of range.
        """
        if not 0 <= step < self.num_steps:
            remedy = f"give 0 to {self.num_steps - 1}, the steps of the run"
            raise errors.UserError("step", step, remedy)
        ends = self.segment_ends
        return int(ends[np.searchsorted(ends, step, side="right")])

    @functools.cached_property
    def segment_ends(self) -> np.ndarray:
        """The steps at which the batch size changes, and T."""
        changes = np.flatnonzero(np.diff(self.batch_sizes)) + 1
        return np.append(changes, self.num_steps)


def make(run: config.RunConfig, train_size: int) -> Plan:
    """Returns the plan of a run, a pure function of its configuration and N.

    Raises:
      UserError: a batch would exceed the training set, a schedule is longer than the
        run, or the run has no steps of SGD.
    """
    optimizer = run.sgd
    train_size = _epoch_size(run, train_size)
    batch_sizes = _batch_sizes(run, train_size, run.num_steps)
    ends = np.cumsum(batch_sizes, dtype=np.int64)
    for schedule in (run.batch_size_schedule, optimizer.schedule, optimizer.warm_up):
        schedule_budget.check(schedule, run.num_steps, ends[-1] / train_size)
    first_places = ends - batch_sizes
    steps, epochs = np.arange(float(run.num_steps)), first_places / train_size
    with np.errstate(over="ignore"):  # what overflows is refused below
        rates = optimizer.learning_rate * schedules.factor(
            optimizer.schedule, steps, epochs, run.num_steps
        )
    rates *= schedules.warm_up_factor(optimizer.warm_up, steps, epochs)
    resets = np.zeros(run.num_steps, bool)
    plan = Plan(batch_sizes, first_places, _as_float32(rates), resets, train_size)
    if optimizer.momentum_reset == "each_epoch":
        plan = dataclasses.replace(plan, resets=plan.begins_epoch)
    return plan


def num_steps_in_epochs(
    num_epochs: float, run: config.RunConfig, train_size: int
) -> int:
    """Returns the most steps that take no more than `num_epochs` N examples.

    With a constant batch that is floor(num_epochs N / B), as Smith, Elsen & De (2020)
    count: 9765 steps of 1024 are 200 epochs of 50,000. `num_epochs` is taken as the
    decimal number that was written.

    Args:
      num_epochs: the budget, above 0; need not be whole.
      run: gives the batch size and its schedule; its `num_steps` is ignored.
      train_size: N.

    Raises:
      UserError: the budget is shorter than one batch or longer than a run may be, a
        batch would exceed the training set, or the batch size depends on the number of
        steps.
    """
    num_epochs = errors.check_real("num_epochs", num_epochs, 0.0)
    train_size = _epoch_size(run, train_size)
    if isinstance(run.batch_size_schedule, config.ConstantThenDecay):
        remedy = "this batch-size schedule divides a number of steps; give num_steps"
        raise errors.UserError("num_epochs", num_epochs, remedy)
    budget = int(fractions.Fraction(repr(num_epochs)) * train_size)
    base = base_batch_size(run, train_size)
    if isinstance(run.batch_size_schedule, config.Constant):
        num_steps = budget // base
    elif num_epochs > config.MAX_STEPS:  # an epoch has one step at least
        num_steps = config.MAX_STEPS + 1
    else:
        num_steps = _num_steps_in_examples(budget, run, train_size)
    if num_steps > config.MAX_STEPS:
        remedy = f"more than {config.MAX_STEPS:,} steps, the most that a run may take"
        raise errors.UserError("num_epochs", num_epochs, remedy)
    if num_steps < 1:
        remedy = f"shorter than one step: batch_size={base}, train_size={train_size}"
        raise errors.UserError("num_epochs", num_epochs, remedy)
    return num_steps


def base_batch_size(run: config.RunConfig, train_size: int) -> int:
    """Returns B; if the run gives none, the full batch.

    Raises:
      UserError: a batch would exceed the training set.
    """
    base = run.batch_size or train_size
    if base > train_size and run.data.sampling == "contiguous":
        remedy = f"more streams than the text has windows: give at most {train_size}"
        raise errors.UserError("batch_size", base, remedy)
    if base > train_size:
        remedy = f"a batch is at most the training set, train_size={train_size}"
        raise errors.UserError("batch_size", base, remedy)
    return base


def evaluation_steps(
    every: float, unit: Literal["epochs", "steps"], plan: Plan
) -> tuple[int, ...]:
    """Returns the steps that complete another `every` epochs or steps.

    Returns:
      Rising numbers of steps taken, from 1 to T, ending with T, as in
      `RunConfig.evaluation_steps`.

    Raises:
      UserError: `every` is not above 0 or makes too many, or the unit is unknown.
    """
    positions = {"epochs": plan.epochs, "steps": np.arange(plan.num_steps + 1.0)}
    if unit not in positions:
        raise errors.unknown_name("unit", unit, positions)
    if errors.check_real("every", every, 0.0) == 0:
        raise errors.UserError("every", every, "give more than 0")
    # A period shorter than one step means every step.
    finest = np.diff(positions[unit]).min() / 2
    counts = schedules.completed(positions[unit], max(every, finest))
    steps = np.flatnonzero(np.diff(counts)) + 1
    if len(steps) > config.MAX_EVALUATIONS:
        remedy = f"makes {len(steps):,} evaluations, and a run may have "
        remedy += f"{config.MAX_EVALUATIONS:,}; evaluate less often"
        raise errors.UserError("every", every, remedy)
    return tuple(sorted({*steps.tolist(), plan.num_steps}))


def _epoch_size(run: config.RunConfig, train_size: int) -> int:
    """Returns how many of N examples an epoch takes."""
    if run.data.sampling != "contiguous":
        return train_size
    base = base_batch_size(run, train_size)
    return train_size // base * base


def _batch_sizes(run: config.RunConfig, train_size: int, num_steps: int) -> np.ndarray:
    """Returns B_t, int32 [T].

    Where the schedule counts epochs, B_t depends on the batches before it. Within a
    window of steps this is solved by iteration: the sizes are guessed and recomputed
    from the places they imply until they no longer change. Each step is right as soon
    as those before it are, so the fixed point is the only solution.
    """
    schedule, base = run.batch_size_schedule, base_batch_size(run, train_size)
    in_epochs = getattr(schedule, "unit", "steps") == "epochs"
    window = _WINDOW_STEPS if in_epochs else num_steps
    batch_sizes = np.empty(num_steps, np.int32)
    place, guess = 0, base
    for first in range(0, num_steps, window):
        steps = np.arange(float(first), min(first + window, num_steps))
        sizes, before = np.full(len(steps), guess), None
        while before is None or (sizes != before).any():
            before = sizes
            epochs = (place + np.cumsum(sizes) - sizes) / train_size
            factors = schedules.factor(schedule, steps, epochs, num_steps)
            # Clipped to int32; sizes beyond the training set are refused below.
            sizes = np.clip(np.rint(base * factors), 1, 2**31 - 1).astype(np.int64)
        largest = int(sizes.max())
        if largest > train_size:
            remedy = f"the factor {largest / base:g} makes batches of {largest}, more "
            remedy += f"than the training set, train_size={train_size}"
            raise errors.UserError("batch_size_schedule", largest / base, remedy)
        batch_sizes[first : first + len(steps)] = sizes
        place, guess = place + int(sizes.sum()), sizes[-1]
    return batch_sizes


def _as_float32(rates: np.ndarray) -> np.ndarray:
    """Returns the rates, float32 [T]; UserError if float32 cannot hold them."""
    with np.errstate(over="ignore"):
        rounded = rates.astype(np.float32)
    lost = ~np.isfinite(rounded) | ((rounded < np.finfo(np.float32).tiny) & (rates > 0))
    if lost.any():
        step = int(lost.argmax())
        remedy = f"float32 cannot hold the learning rate of step {step}; let it change "
        raise errors.UserError("schedule", float(rates[step]), f"{remedy}less")
    return rounded


def _num_steps_in_examples(budget: int, run: config.RunConfig, train_size: int) -> int:
    """Returns the most steps of a batch-size schedule that fit into `budget` examples.

    Returns more than a run may take if even those fit.
    """
    num_steps = 2
    while num_steps <= 2 * config.MAX_STEPS:
        ends = np.cumsum(_batch_sizes(run, train_size, num_steps), dtype=np.int64)
        if ends[-1] > budget:
            return int(np.searchsorted(ends, budget, side="right"))
        num_steps *= 2
    return num_steps
