"""The optimizer of a run."""

import dataclasses
import itertools
from collections.abc import Iterable
from typing import Literal

from bsgen import errors
from bsgen.config import checked
from bsgen.config import schedule as schedules

_ROUNDS_TO_ONE = 1.0 - 2.0**-25  # half of the last place of float32 below 1


@dataclasses.dataclass(frozen=True)
class MomentumConfig(checked.Checked):
    """Settings of `bsgen.optimizers.Momentum`.

    `l2` adds (l2/2)|w|^2 to the MEAN loss. Smith & Le (2017) write their coefficient
    lambda for the SUM over N examples, hence l2 = lambda / N.

    Attributes:
      learning_rate: e, the base that `schedule` and `warm_up` multiply; at least 0.
      momentum: m in [0, 1), also when rounded to float32.
      nesterov: whether to use Nesterov's form.
      l2: at least 0.
      l2_parameters: which parameters w has: "all", or the "kernels" of dense and
        convolutional layers and no gains or biases (those of two axes or more).
      clip_norm: bound on the norm of the whole gradient; None for no bound.
      clip_steps: how many steps from the first on are clipped; None for all.
      momentum_reset: when the accumulators go back to 0: "each_epoch" is what code does
        that makes its optimizer anew for every epoch; not with Nesterov's form.
      schedule: how the learning rate changes.
      warm_up: a rise of the learning rate at the start, times `schedule`.
    """

    name: Literal["momentum"] = dataclasses.field(default="momentum", kw_only=True)
    learning_rate: float = checked.always(1.0)
    momentum: float = checked.always(0.9)
    nesterov: bool = checked.always(False)
    l2: float = checked.always(0.0)
    clip_norm: float | None = checked.always(None)
    clip_steps: int | None = None
    momentum_reset: Literal["never", "each_epoch"] = "never"
    l2_parameters: Literal["all", "kernels"] = "all"
    schedule: schedules.Schedule = schedules.Constant()
    warm_up: schedules.WarmUp | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_field("learning_rate", errors.check_float32)
        self._check_field("momentum", errors.check_real, 0.0, 1.0)
        self._check_field("l2", errors.check_float32)
        self._check_field("clip_norm", errors.check_float32)
        self._check_field("clip_steps", errors.check_integer, 1)
        if self.momentum >= _ROUNDS_TO_ONE:
            remedy = "float32 makes it 1, with which no velocity ever fades; give less"
            raise errors.UserError("momentum", self.momentum, remedy)
        if self.clip_norm == 0:
            remedy = "give None to switch clipping off"
            raise errors.UserError("clip_norm", 0.0, remedy)
        if self.clip_steps is not None and self.clip_norm is None:
            remedy = "give clip_norm, the bound, too"
            raise errors.UserError("clip_steps", self.clip_steps, remedy)
        if self.momentum_reset != "never" and self.nesterov:
            remedy = (
                "Nesterov's form has no reset; give 'never', or do without nesterov"
            )
            raise errors.UserError("momentum_reset", self.momentum_reset, remedy)


def check_falling_rates(
    argument: str, rates: float | Iterable[float]
) -> tuple[float, ...]:
    """Returns learning rates to be tried one after the other; a number is one.

    Raises:
      UserError: there is none, or they do not fall, or one is not above 0.
    """
    given = tuple(rates) if isinstance(rates, Iterable) else (rates,)
    numbers = tuple(errors.check_float32(argument, rate) for rate in given)
    falling = all(low < high for high, low in itertools.pairwise(numbers))
    if not numbers or not falling or numbers[-1] == 0:
        remedy = "give falling numbers above 0, such as 1, 0.1, 0.01"
        raise errors.UserError(argument, given, remedy)
    return numbers


@dataclasses.dataclass(frozen=True)
class NewtonConfig(checked.Checked):
    """Newton's method on the whole training set, for convex costs; `l2` as above."""

    name: Literal["newton"] = dataclasses.field(default="newton", kw_only=True)
    l2: float = checked.always(0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_field("l2", errors.check_real, 0.0)
        if self.l2 == 0:
            remedy = "Newton's method needs l2 > 0, or separable data have no minimum"
            raise errors.UserError("l2", self.l2, remedy)
