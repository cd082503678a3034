"""From a small batch to a large one: the remedies of Hoffer et al. (2017).

Hoffer, Hubara & Soudry (2017), arXiv 1705.08741, train with a small batch, then with a
large one for as many epochs, which loses test accuracy. They win it back by a larger
learning rate or noisier gradients, ghost batch normalization, and as many updates as
the small batch takes ("regime adaptation").
"""

import dataclasses

from bsgen import config, errors, theory


@dataclasses.dataclass(frozen=True)
class Remedies:
    """What is done to a run at a large batch; by default the rate alone is scaled.

    Attributes:
      scaling: of the learning rate, from the small batch to the large one: a rule of
        `theory.scale_learning_rate`. Section 4, eq. 7: "sqrt".
      loss_noise: whether the examples' losses get the multiplicative noise with which
        the gradient's covariance is that of the small batch; section 4. It takes the
        place of `scaling`, which must be "none" with it.
      ghost_batch_size: examples of a ghost batch, algorithm 1; None keeps the
        normalisation as it is.
      clip_norm: bound on the gradient's norm; None keeps that of the run.
      clip_steps: how many steps it holds for; None for all.
      adapts_regime: whether the large batch takes as many updates as the small one,
        in B_L / B_S times the epochs, section 5, or else as many epochs.
    """

    scaling: str = "sqrt"
    loss_noise: bool = False
    ghost_batch_size: int | None = None
    clip_norm: float | None = None
    clip_steps: int | None = None
    adapts_regime: bool = False

    def __post_init__(self) -> None:
        if self.loss_noise and self.scaling != "none":
            remedy = "either makes up for the covariance; give 'none' with loss_noise"
            raise errors.UserError("scaling", self.scaling, remedy)


def adapted(
    run: config.RunConfig, batch_size: int, remedies: Remedies
) -> config.RunConfig:
    """Returns a small batch's run at a large batch, with remedies.

    It is evaluated after as many epochs as the small batch's run, or after as many
    steps if the regime is adapted.

    Args:
      run: with its small batch, which is constant.
      batch_size: the large one, at least as large.
      remedies: what is done.

    Raises:
      UserError: the batch is smaller than the run's, or the run has none or a schedule
        of it, or a setting is out of range; or as `at_batch_size`.
    """
    small = _constant_batch(run)
    errors.check_integer("batch_size", batch_size, 1)
    if batch_size < small:
        raise _too_small(batch_size, small)
    if remedies.adapts_regime:
        larger = dataclasses.replace(run, batch_size=batch_size)
    else:
        larger = at_batch_size(run, batch_size)
    return rescaled(larger, small, remedies)


def rescaled(
    run: config.RunConfig, small_batch_size: int, remedies: Remedies
) -> config.RunConfig:
    """Returns a run with the remedies, whose settings are those for a smaller batch.

    Its steps stay as they are, and so does the batch size. The learning rate alone may
    also be scaled down to a batch that is smaller than `small_batch_size`.

    Args:
      run: at its own batch size, which is constant, with rate, schedule and warm-up of
        the small batch.
      small_batch_size: at least 1.
      remedies: what is done.

    Raises:
      UserError: the run's batch is smaller, but it is to be as noisy or as long as with
        the small one; the run has none or a schedule of it; or a setting is out of
        range.
    """
    size = _constant_batch(run)
    small = errors.check_integer("base_batch_size", small_batch_size, 1)
    if size < small and (remedies.adapts_regime or remedies.loss_noise):
        raise _too_small(size, small)
    rate = theory.scale_learning_rate(
        run.sgd.learning_rate, small, size, remedies.scaling
    )
    optimizer = dataclasses.replace(run.sgd, learning_rate=float(rate))
    if remedies.adapts_regime:
        optimizer = _stretched(optimizer, size / small)
    if remedies.clip_norm is not None:
        optimizer = dataclasses.replace(
            optimizer, clip_norm=remedies.clip_norm, clip_steps=remedies.clip_steps
        )
    model = run.model
    if remedies.ghost_batch_size is not None:
        model = dataclasses.replace(
            model,
            normalization="ghost",
            ghost_batch_size=remedies.ghost_batch_size,
        )
    noise = run.loss_noise
    if remedies.loss_noise:
        # Exact for the shuffled or independent batches of a training set of known size.
        noise = float(theory.loss_noise(size, small, run.data.train_size))
    return dataclasses.replace(run, optimizer=optimizer, model=model, loss_noise=noise)


def at_batch_size(run: config.RunConfig, batch_size: int) -> config.RunConfig:
    """Returns a run with another batch size and as many epochs, nothing else changed.

    Its last step and its evaluations are those next to the run's in epochs.

    Raises:
      UserError: the run has no batch size or a schedule of it, or its learning rate
        changes at numbers of steps.
    """
    ratio = _constant_batch(run) / batch_size
    for name, each in (("schedule", run.sgd.schedule), ("warm_up", run.sgd.warm_up)):
        if getattr(each, "unit", "epochs") == "steps":
            remedy = "another batch size takes another number; count in epochs"
            raise errors.UserError(name, each, remedy)
    num_steps = max(1, round(ratio * run.num_steps))
    steps = {min(round(ratio * step), num_steps) for step in run.evaluation_steps}
    return dataclasses.replace(
        run,
        batch_size=batch_size,
        num_steps=num_steps,
        evaluation_steps=tuple(sorted(steps)),
    )


def _stretched(
    optimizer: config.MomentumConfig, stretch: float
) -> config.MomentumConfig:
    """Returns an optimizer whose rate takes `stretch` times as long to change."""
    return dataclasses.replace(
        optimizer,
        schedule=config.stretched(optimizer.schedule, stretch),
        warm_up=optimizer.warm_up and config.stretched(optimizer.warm_up, stretch),
    )


def _too_small(batch_size: int, small: int) -> errors.UserError:
    remedy = f"the large batch is at least the small one, {small}"
    return errors.UserError("batch_size", batch_size, remedy)


def _constant_batch(run: config.RunConfig) -> int:
    if run.batch_size is None:
        raise errors.UserError("batch_size", None, "give the run a number")
    if run.batch_size_schedule != config.Constant():
        remedy = "give a run of constant batch size"
        name = run.batch_size_schedule.name
        raise errors.UserError("batch_size_schedule", name, remedy)
    return run.batch_size
