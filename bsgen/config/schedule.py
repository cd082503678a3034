"""Schedules of a learning rate or a batch size: factors on its base value.

`bsgen.optimizers.schedules` computes them. Boundaries and periods are
counted in epochs (passes over the training set, fractions allowed) or in steps.
Factors are numbers that float32 holds.
"""

import dataclasses
from typing import Any, Literal, TypeVar

from bsgen import errors
from bsgen.config import checked

Unit = Literal["epochs", "steps"]
_SHORTEST_PERIOD = 1e-6  # so that the longest run has fewer cycles than float64 counts


@dataclasses.dataclass(frozen=True)
class Constant(checked.Checked):
    """The base value throughout."""

    name: Literal["constant"] = dataclasses.field(default="constant", kw_only=True)


@dataclasses.dataclass(frozen=True)
class Stepwise(checked.Checked):
    """The base value, and `factors[i]` times it from `boundaries[i]` on.

    Falling factors are the usual steps of a learning rate, rising ones a growing batch.

    Attributes:
      boundaries: rising, above 0.
      factors: positive, one a boundary.
      unit: of the boundaries.
    """

    name: Literal["stepwise"] = dataclasses.field(default="stepwise", kw_only=True)
    boundaries: tuple[float, ...] = checked.always(())
    factors: tuple[float, ...] = checked.always(())
    unit: Unit = checked.always("epochs")

    def __post_init__(self) -> None:
        super().__post_init__()
        boundaries = tuple(_positive("boundaries", each) for each in self.boundaries)
        if list(boundaries) != sorted(set(boundaries)):
            raise errors.UserError("boundaries", boundaries, "let them rise")
        if not boundaries or len(boundaries) != len(self.factors):
            remedy = f"give one factor a boundary, and at least one: {boundaries}"
            raise errors.UserError("factors", self.factors, remedy)
        factors = tuple(_factor("factors", each) for each in self.factors)
        self._set(boundaries=boundaries, factors=factors)


@dataclasses.dataclass(frozen=True)
class Cyclic(checked.Checked):
    """The factors one after the other, over and over.

    Attributes:
      factors: positive, at least two; the first one applies at the start.
      period: length of a cycle, in which each factor has an equal share; at least
        1e-6.
      unit: of the period.
      shape: "steps" holds each factor through its share; "linear" goes straight from
        the beginning of one to the beginning of the next, and back to the first.
    """

    name: Literal["cyclic"] = dataclasses.field(default="cyclic", kw_only=True)
    factors: tuple[float, ...] = checked.always(())
    period: float = checked.always(1.0)
    unit: Unit = checked.always("epochs")
    shape: Literal["steps", "linear"] = checked.always("steps")

    def __post_init__(self) -> None:
        super().__post_init__()
        factors = tuple(_factor("factors", each) for each in self.factors)
        if len(factors) < 2:
            raise errors.UserError("factors", self.factors, "give at least two")
        self._set(factors=factors)
        self._check_field("period", errors.check_real, _SHORTEST_PERIOD)


@dataclasses.dataclass(frozen=True)
class ConstantThenDecay(checked.Checked):
    """Smith, Elsen & De (2020), section 2: half the budget constant, then decays.

    The base value holds for `constant_share` of the steps. Then it is divided by
    `decay`, at once and again at equal intervals, `num_decays` times in all.

    Attributes:
      decay: gamma > 0, what each decay divides by; the paper's is 2.
      num_decays: at least 1; the paper's 10 leave gamma^-10 of the base at the end.
      constant_share: of the budget, in (0, 1).
    """

    name: Literal["constant_then_decay"] = dataclasses.field(
        default="constant_then_decay", kw_only=True
    )
    decay: float = checked.always(2.0)
    num_decays: int = checked.always(10)
    constant_share: float = checked.always(0.5)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_field("decay", _factor)
        self._check_field("num_decays", errors.check_integer, 1)
        self._check_field("constant_share", _positive)
        self._check_field("constant_share", errors.check_real, 0, 1)


Schedule = Constant | Stepwise | Cyclic | ConstantThenDecay


@dataclasses.dataclass(frozen=True)
class WarmUp(checked.Checked):
    """Goyal et al. (2017), section 2.2: a linear rise at the start of a run.

    Attributes:
      length: how long it takes, above 0.
      start: the factor at step 0, in [0, 1), which rises to 1.
      unit: of `length`.
    """

    length: float = checked.always(5.0)
    start: float = checked.always(0.1)
    unit: Unit = checked.always("epochs")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_field("length", _positive)
        self._check_field("start", errors.check_real, 0.0, 1.0)


_Scheduled = TypeVar("_Scheduled", bound=checked.Checked)


def stretched(schedule: _Scheduled, factor: float) -> _Scheduled:
    """Returns a schedule or warm-up with `factor` times as many epochs.

    Hoffer et al. (2017), section 5: a period of e epochs becomes B_L / B_S x e epochs
    of a batch that is B_L / B_S times as large, so that it takes as many steps. What is
    counted in steps, or in shares of the budget, stays as it is.

    Args:
      schedule: of a learning rate or a batch size, or its warm-up.
      factor: at least 1.

    Raises:
      UserError: the factor is below 1.
    """
    errors.check_real("factor", factor, 1.0)
    if getattr(schedule, "unit", "steps") == "steps":
        return schedule
    given: Any = schedule
    longer: dict[str, Any]
    if isinstance(given, Stepwise):
        longer = {"boundaries": tuple(factor * each for each in given.boundaries)}
    elif isinstance(given, WarmUp):
        longer = {"length": factor * given.length}
    else:
        longer = {"period": factor * given.period}
    changed: Any = dataclasses.replace(given, **longer)
    return changed


def _positive(argument: str, value: float) -> float:
    if errors.check_real(argument, value, 0.0) == 0:
        raise errors.UserError(argument, value, "give more than 0")
    return float(value)


def _factor(argument: str, value: float) -> float:
    return _positive(argument, errors.check_float32(argument, value))
