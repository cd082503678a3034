"""Rate, optimizer and epochs with which a large batch closes its gap, for `model.fit`.

Hoffer, Hubara & Soudry (2017), arXiv 1705.08741, section 6, table 1: "+LR" and "+RA";
ghost batch normalization, "+GBN", is a layer. A step is one parameter update.
"""

from __future__ import annotations

import dataclasses
import math

from bsgen import config, errors, theory
from bsgen.optimizers.momentum import Momentum
from bsgen.optimizers.schedules import LearningRateSchedule


@dataclasses.dataclass(frozen=True)
class LargeBatchRegime:
    """How `model.fit` trains with a large batch.

    Attributes:
      learning_rate: the schedule, for the optimizer here or any other of Keras.
      optimizer: SGD with momentum at that rate.
      num_epochs: passes over the training set, the `epochs` of `model.fit`.
      steps_per_epoch: updates in each of them.
    """

    learning_rate: LearningRateSchedule
    optimizer: Momentum
    num_epochs: int
    steps_per_epoch: int


def large_batch_regime(
    batch_size: int,
    small_batch_size: int,
    train_size: int,
    learning_rate: float,
    num_epochs: int,
    schedule: config.Schedule | None = None,
    warm_up: config.WarmUp | None = None,
    *,
    scaling: str = "sqrt",
    adapts_regime: bool = True,
    momentum: float = 0.9,
    nesterov: bool = False,
    l2: float = 0.0,
    clip_norm: float | None = None,
    clip_steps: int | None = None,
    drop_remainder: bool = False,
) -> LargeBatchRegime:
    """Returns the regime of a large batch, given a good one of a small batch.

    With s and S updates in an epoch of the small batch and of the large one, each
    period of e epochs becomes (s / S) e epochs, which is (B_L / B_S) e where both batch
    sizes divide the training set: the learning rate changes after as many updates as
    with the small batch, and there are as many in all, up to the end of an epoch.

    Args:
      batch_size: B_L, the large one; on all devices together.
      small_batch_size: B_S, for which the following are given.
      train_size: N, the number of training examples, at least B_L.
      learning_rate: at the small batch.
      num_epochs: of the small batch.
      schedule: of the small batch's learning rate; None for a constant one.
      warm_up: of the small batch; None for none.
      scaling: of the learning rate, a rule of `theory.scale_learning_rate`.
      adapts_regime: whether to train for as many updates as the small batch; otherwise
        for as many epochs.
      momentum, nesterov, l2: as for `Momentum`.
      clip_norm: bound on the norm of the gradient; None for none. The paper had to clip
        "for the first few iterations".
      clip_steps: how many steps are clipped; None for all.
      drop_remainder: whether the examples that fill no batch are left out, as
        `dataset.batch(..., drop_remainder=True)` does; `fit` on arrays keeps them.

    Raises:
      UserError: an argument is out of range, the large batch is smaller than the small
        one, or a schedule counts steps of which there are now fewer.
    """
    size = errors.check_integer("batch_size", batch_size, 1)
    small = errors.check_integer("small_batch_size", small_batch_size, 1)
    if size < small:
        remedy = f"the large batch is at least the small one, {small}"
        raise errors.UserError("batch_size", size, remedy)
    if size > errors.check_integer("train_size", train_size, 1):
        remedy = f"a batch is at most the training set, train_size={train_size}"
        raise errors.UserError("batch_size", size, remedy)
    epochs = errors.check_integer("num_epochs", num_epochs, 1)
    round_off = math.floor if drop_remainder else math.ceil
    small_steps, steps = (round_off(train_size / each) for each in (small, size))
    schedule = schedule or config.Constant()
    if adapts_regime:
        stretch = small_steps / steps
        epochs = math.ceil(epochs * small_steps / steps)
        schedule = config.stretched(schedule, stretch)
        warm_up = warm_up and config.stretched(warm_up, stretch)
    elif small_steps > steps:
        _refuse_steps(schedule, warm_up)
    rate = LearningRateSchedule(
        float(theory.scale_learning_rate(learning_rate, small, size, scaling)),
        schedule,
        steps,
        epochs * steps,
        warm_up,
    )
    optimizer = Momentum(
        rate,
        momentum,
        nesterov,
        l2,
        global_clipnorm=clip_norm,
        clip_steps=clip_steps,
    )
    return LargeBatchRegime(rate, optimizer, epochs, steps)


def _refuse_steps(*schedules: config.Schedule | config.WarmUp | None) -> None:
    for name, each in zip(("schedule", "warm_up"), schedules, strict=True):
        if getattr(each, "unit", "epochs") == "steps":
            remedy = "a larger batch takes fewer; count in epochs"
            raise errors.UserError(name, each, remedy)
