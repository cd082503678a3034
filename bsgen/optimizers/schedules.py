"""Learning-rate and batch-size schedules: the factor on a base value at each step.

Step t counts parameter updates from 0; its epoch e is the number of passes, a fraction,
that the steps before it made over the training set. With x the step or the epoch, as
the schedule's `unit` says, and n the number of factors:

    Constant           1
    Stepwise           factors[i] for the last i with boundaries[i] <= x, else 1
    Cyclic, "steps"    factors[k mod n], with k = floor(n x / period)
    Cyclic, "linear"   f + (n x / period - k) (f' - f), with f = factors[k mod n] and
                       f' = factors[(k + 1) mod n]
    ConstantThenDecay  decay^-min(num_decays, k), with k = 0 for t < H and
                       k = 1 + floor((t - H) / D) from step H on
    WarmUp             1 - (1 - start) max(0, 1 - x / length)

ConstantThenDecay is from Smith, Elsen & De (2020), arXiv:2006.15081, section 4 and
appendix B.1: constant "for the first N_epochs / 2 epochs", then decayed by a factor of
gamma "every N_epochs / 20". Of T steps, H = floor(share T) are constant and
D = floor((T - H) / num_decays) lie between two decays, rounded down as in their
section 6: 4882 and 488 of 9765 steps (0 to 4881 are constant). The first decay is at
step H, so the last steps (D, and the remainder of the division) have
decay^-num_decays, as gamma = (e_0 / e_f)^(1/10) in their section 7.1 requires.

Warm-up is from Goyal et al. (2017), arXiv:1706.02677, section 2.2; Cyclic is for
figure 1 of Jastrzebski et al. (ICANN 2018, LNCS 11141), who do not give the shape.
"""

from __future__ import annotations

import types
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen import config, errors
from bsgen.config import schedule_budget, serialization

# A position at a boundary can miss it by four float64 roundings (TensorFlow and XLA
# divide by a constant through its reciprocal, one rounding more than NumPy), so
# boundaries count as reached with this tolerance. Other positions are at least
# 1 / (train_size x period) away, which is far more.
_REACH = 1.0 + 2.0**-50


# The formulas serve NumPy and TensorFlow alike: `xp` is either module, whose `where`,
# `floor`, `minimum`, `maximum` and operators agree. Numbers are np.float64, because
# TensorFlow takes Python's for float32.


def factor(
    schedule: config.Schedule,
    steps: Any,
    epochs: Any,
    num_steps: int,
    xp: types.ModuleType = np,
) -> Any:
    """Returns the factor on the base value at each step.

    Args:
      schedule: of the base value.
      steps: t, float64 [n], whole numbers of at least 0 and below 2^53.
      epochs: float64 [n], the passes completed before each step.
      num_steps: T, the whole budget.
      xp: `numpy` or `tensorflow`, whose arrays these are.

    Returns:
      Float64 [n], by the formulas at the top of this file.

    Raises:
      UserError: the budget is too short for the decays.
    """
    if isinstance(schedule, config.Stepwise):
        return _stepwise(xp, schedule, steps if schedule.unit == "steps" else epochs)
    if isinstance(schedule, config.Cyclic):
        return _cyclic(xp, schedule, steps if schedule.unit == "steps" else epochs)
    if isinstance(schedule, config.ConstantThenDecay):
        first, between = schedule_budget.decay_steps(schedule, num_steps)
        decays = 1 + _floor(xp, xp.maximum(steps - first, 0) / between)
        decays = xp.where(steps < first, xp.zeros_like(decays), decays)
        return schedule.decay ** -xp.minimum(decays, schedule.num_decays)
    return xp.ones_like(steps)


def warm_up_factor(
    warm_up: config.WarmUp | None, steps: Any, epochs: Any, xp: types.ModuleType = np
) -> Any:
    """Returns the factor of a warm-up, float64 [n]; all 1 for None. See `factor`."""
    if warm_up is None:
        return xp.ones_like(steps)
    position = steps if warm_up.unit == "steps" else epochs
    return 1 - (1 - warm_up.start) * xp.maximum(1 - position / warm_up.length, 0)


def completed(position: np.ndarray, period: float) -> np.ndarray:
    """Returns floor(position / period) of steps or epochs [n], as if exact."""
    return _floor(np, position / period)


@keras.saving.register_keras_serializable(package="bsgen")
class LearningRateSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule of `bsgen.config` for the learning rate of any Keras optimizer.

    The rate at step t is learning_rate x factor x warm-up factor, computed in float64
    and rounded to float32, in eager mode, in a graph and under XLA. For example

        schedule = LearningRateSchedule(
            0.1, config.ConstantThenDecay(), steps_per_epoch=48, num_steps=48 * 200
        )
        model.compile(Momentum(schedule, 0.9), loss="sparse_categorical_crossentropy")

    Args:
      learning_rate: the base value, at least 0.
      schedule: of the base value.
      steps_per_epoch: steps in one pass over the training set, above 0; N / B, or in
        `model.fit` the number of batches in an epoch.
      num_steps: T, the whole budget; later steps keep counting.
      warm_up: a rise at the start, times the schedule.

    Raises:
      UserError: an argument is out of its range, or the schedule is longer than T.
    """

    def __init__(
        self,
        learning_rate: float,
        schedule: config.Schedule,
        steps_per_epoch: float,
        num_steps: int,
        warm_up: config.WarmUp | None = None,
    ) -> None:
        self.learning_rate = errors.check_real("learning_rate", learning_rate, 0.0)
        self.steps_per_epoch = errors.check_real(
            "steps_per_epoch", steps_per_epoch, 0.0
        )
        if self.steps_per_epoch == 0:
            raise errors.UserError("steps_per_epoch", steps_per_epoch, "give above 0")
        self.num_steps = errors.check_integer("num_steps", num_steps, 1)
        for each in (schedule, warm_up):
            schedule_budget.check(
                each, self.num_steps, self.num_steps / self.steps_per_epoch
            )
        self.schedule = schedule
        self.warm_up = warm_up

    def __call__(self, step: Any) -> tf.Tensor:
        """Returns the learning rate at `step`, a float32 tensor of its shape."""
        steps = tf.cast(tf.convert_to_tensor(step), tf.float64)
        epochs = steps / self.steps_per_epoch
        rate = self.learning_rate * factor(
            self.schedule, steps, epochs, self.num_steps, tf
        )
        return tf.cast(
            rate * warm_up_factor(self.warm_up, steps, epochs, tf), "float32"
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, as JSON's types."""
        return {
            "learning_rate": self.learning_rate,
            "schedule": config.to_dict(self.schedule),
            "steps_per_epoch": self.steps_per_epoch,
            "num_steps": self.num_steps,
            "warm_up": self.warm_up and config.to_dict(self.warm_up),
        }

    @classmethod
    def from_config(cls, values: dict[str, Any]) -> LearningRateSchedule:
        """Returns the schedule that `get_config` described."""
        values = dict(values)
        union: Any = config.Schedule
        values["schedule"] = serialization.structure(values["schedule"], union)
        if values["warm_up"] is not None:
            values["warm_up"] = serialization.structure(
                values["warm_up"], config.WarmUp
            )
        return cls(**values)


def _stepwise(xp: types.ModuleType, schedule: config.Stepwise, position: Any) -> Any:
    value = xp.ones_like(position)
    for boundary, after in zip(schedule.boundaries, schedule.factors, strict=True):
        reached = position * _REACH >= boundary
        value = xp.where(reached, np.float64(after), value)
    return value


def _cyclic(xp: types.ModuleType, schedule: config.Cyclic, position: Any) -> Any:
    count = len(schedule.factors)
    phase = position * count / schedule.period
    whole = _floor(xp, phase)
    turn = whole - count * _floor(xp, whole / count)
    value, following = xp.zeros_like(phase), xp.zeros_like(phase)
    for index, each in enumerate(schedule.factors):
        value = xp.where(turn == index, np.float64(each), value)
        precedes = turn == (index - 1) % count
        following = xp.where(precedes, np.float64(each), following)
    if schedule.shape == "steps":
        return value
    # The phase may be a rounding error below the whole number that it counts as.
    return value + xp.maximum(phase - whole, 0) * (following - value)


def _floor(xp: types.ModuleType, quotient: Any) -> Any:
    return xp.floor(quotient * _REACH)
