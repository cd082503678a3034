"""Whether a budget of steps or epochs has room for all of a schedule.

The pieces themselves are those of `bsgen.optimizers.schedules`.
"""

import fractions

from bsgen import errors
from bsgen.config.schedule import (
    ConstantThenDecay,
    Cyclic,
    Schedule,
    Stepwise,
    WarmUp,
)


def decay_steps(schedule: ConstantThenDecay, num_steps: int) -> tuple[int, int]:
    """Returns H, the step of the first decay, and D, the steps between two.

    The share is taken as the decimal number that was written: 0.7 of 10 steps are 7.

    Raises:
      UserError: the budget is too short for the decays.
    """
    share = fractions.Fraction(repr(schedule.constant_share))
    first = int(share * num_steps)
    between = (num_steps - first) // schedule.num_decays
    if not (first and between):
        remedy = f"num_steps={num_steps} leaves no room for a constant part and "
        remedy += f"{schedule.num_decays} decays after it; take more steps"
        raise errors.UserError("num_decays", schedule.num_decays, remedy)
    return first, between


def check(
    schedule: Schedule | WarmUp | None, num_steps: int, num_epochs: float
) -> None:
    """Checks that a run reaches the end of a schedule.

    Args:
      schedule: a schedule or a warm-up; None always fits.
      num_steps: T, the budget.
      num_epochs: the passes over the training set in T steps.

    Raises:
      UserError: a factor would never apply, or the warm-up would not end.
    """
    if isinstance(schedule, ConstantThenDecay):
        decay_steps(schedule, num_steps)
        return
    if isinstance(schedule, Stepwise):
        argument, last = "boundaries", schedule.boundaries[-1]
    elif isinstance(schedule, Cyclic):
        argument = "period"  # its last factor begins before its end
        last = schedule.period * (1 - 1 / len(schedule.factors))
    elif isinstance(schedule, WarmUp):
        argument, last = "length", schedule.length
    else:
        return
    budget = num_epochs if schedule.unit == "epochs" else num_steps
    if last >= budget:
        remedy = f"{last:g} {schedule.unit} are beyond the budget of {budget:g}; "
        remedy += "train longer, or leave out what is not reached"
        raise errors.UserError(argument, getattr(schedule, argument), remedy)
