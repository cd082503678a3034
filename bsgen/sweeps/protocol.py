"""The protocol of Smith, Elsen & De (2020) for comparing batch sizes.

At every setting, such as a batch size and a momentum, a grid of learning rates is
trained n times under one of three budgets, and the best k runs of each rate count; see
`bsgen.studies.best_runs`. The learning rate is held for half of the budget and then
decayed ten times, however long the budget is (appendix B.1).
"""

import dataclasses
import math
from typing import Any, Literal

from bsgen import data, errors
from bsgen.models import losses
from bsgen.studies import best_runs
from bsgen.sweeps.axes import Axis
from bsgen.sweeps.grid import EFFECTIVE_RATE, EPOCHS, Grid

Budget = Literal["constant_epochs", "constant_steps", "epoch_budgets"]
Part = Literal["validation", "test"]
RATE_AXES = "learning_rate", EFFECTIVE_RATE
SCHEDULE = "constant_then_decay"
_USUAL_SHARE = 0.8  # of the runs at a rate, as 12 of 15


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How the runs of a sweep are compared.

    Attributes:
      budget: "constant_epochs", "constant_steps" (the epochs grow with the batch size)
        or "epoch_budgets", a range of them.
      keep: k, the runs that count at each rate.
      of: n, the runs of each rate.
      part: what the score is measured on; the paper tunes on the test set.
      metric: the score's, such as "accuracy".
      higher_is_better: whether more of it is better.
      worst: what a diverged run gets: the accuracy of a guess; None is infinity.
      loss: what training minimises, such as "cross_entropy".
    """

    budget: Budget
    keep: int
    of: int
    part: Part
    metric: str
    higher_is_better: bool
    worst: float | None
    loss: str

    @property
    def score(self) -> best_runs.Selection:
        """Which runs count, by the score."""
        column = f"final_{self.part}_{self.metric}"
        worst = math.inf if self.worst is None else self.worst
        return best_runs.Selection(
            self.keep, self.of, column, self.higher_is_better, worst
        )

    @property
    def training_loss(self) -> best_runs.Selection:
        """Which runs count, by the training loss."""
        column = f"final_train_{self.loss}"
        return best_runs.Selection(self.keep, self.of, column, False, math.inf)


def make(
    budget: Budget, grid: Grid, keep: int | None = None, part: Part = "validation"
) -> Protocol:
    """Returns the protocol of a grid.

    Args:
      budget: as in `Protocol`.
      grid: with a learning rate among its axes, and `epochs` for "epoch_budgets".
      keep: k; None for four fifths of the seeds, rounded up.
      part: as in `Protocol`.

    Raises:
      UserError: the grid is not made for it, k is above n, or there is no validation
        set.
    """
    usual = math.ceil(_USUAL_SHARE * grid.num_seeds - 1e-9)
    kept = usual if keep is None else errors.check_integer("keep", keep, 1)
    if kept > grid.num_seeds:
        remedy = f"the best of --seeds={grid.num_seeds} runs; give at most as many"
        raise errors.UserError("keep", kept, remedy)
    _check(budget, grid)
    if part == "validation" and not grid.base.data.validation_size:
        remedy = "there is no validation set; give --validation_size, or "
        remedy += "--select_by=test, as in the paper"
        raise errors.UserError("select_by", part, remedy)
    loss = losses.of_run(grid.base)
    metric = loss.judged_by
    worst = None
    if metric.higher_is_better:
        worst = 1 / data.find(grid.base.data.name).num_classes
    return Protocol(
        budget,
        kept,
        grid.num_seeds,
        part,
        metric.name,
        metric.higher_is_better,
        worst,
        loss.metrics[0].name,
    )


def rate_axis(axes: tuple[Axis, ...]) -> Axis:
    """Returns the axis of the learning rate.

    Raises:
      UserError: there is none, or a rate is not above 0.
    """
    found = [axis for axis in axes if axis.name in RATE_AXES]
    if not found:
        remedy = "the protocol tunes the learning rate: give a grid of it, such as "
        remedy += f"--axis {EFFECTIVE_RATE}=0.0625..16*2"
        raise errors.UserError("axis", "", remedy)
    for value in found[0].values:
        if errors.check_real(found[0].name, value, 0.0) == 0:
            raise errors.UserError(found[0].name, value, "give rates above 0")
    return found[0]


def _check(budget: Budget, grid: Grid) -> None:
    """Checks that the axes of a grid go with a budget.

    Raises:
      UserError: they do not.
    """
    rate_axis(grid.axes)
    names = [axis.name for axis in grid.axes]
    if budget == "epoch_budgets" and EPOCHS not in names:
        remedy = "give the budgets, such as --axis epochs=10..160*2"
        raise errors.UserError("protocol", budget, remedy)
    for name in ("num_steps", *((EPOCHS,) if budget != "epoch_budgets" else ())):
        if name in names:
            remedy = "is no axis of it: compare budgets with --protocol=epoch_budgets "
            remedy += f"--axis {EPOCHS}=..."
            raise errors.UserError("protocol", budget, f"{name} {remedy}")
    scaling = grid.remedies.scaling
    if scaling != "none" or grid.remedies.adapts_regime:
        name = "learning_rate_scaling" if scaling != "none" else "adapt_regime"
        value: Any = scaling if scaling != "none" else True
        remedy = "the protocol tunes the rate at every batch size, under its own "
        raise errors.UserError(name, value, f"{remedy}budget; leave it out")
