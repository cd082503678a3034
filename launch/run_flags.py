"""The flags that describe one training run, beside those of `task_flags`."""

import dataclasses
import fractions
import functools
from typing import TYPE_CHECKING, Any, Literal

from absl import flags

from bsgen import config, data, errors
from bsgen.config import schedule_budget
from bsgen.models import losses

from . import flag_help, large_batch_flags, task_flags

if TYPE_CHECKING:
    from bsgen.training import large_batch, step_plan

_MAX_EVALUATIONS_PER_DECADE = 1000

flag_help.section("Data")
_VALIDATION_SIZE = flags.DEFINE_integer(
    "validation_size",
    0,
    "Training examples to set aside for validation; an integer from 0.",
    lower_bound=0,
)
flag_help.section("Training")
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 128, "Examples of one step, on all devices together; at least 1."
)
_BATCH_SIZE_SCHEDULE = flags.DEFINE_string(
    "batch_size_schedule",
    "constant",
    "How the batch size changes, written like --schedule.",
)
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate", 0.1, "Learning rate at the start, before --schedule; at least 0."
)
_SCHEDULE = flags.DEFINE_string(
    "schedule",
    "constant",
    "How the learning rate changes, by factors on it: constant | stepwise "
    "boundaries=81,122 factors=0.1,0.01 | cyclic factors=1,5 period=10 | "
    "constant_then_decay decay=2 num_decays=10. Boundaries and periods are in "
    "epochs, or with unit=steps in steps.",
)
_WARM_UP_EPOCHS = flags.DEFINE_float(
    "warm_up_epochs",
    0.0,
    "Epochs in which the learning rate rises linearly to its full value.",
    lower_bound=0.0,
)
_WARM_UP_START = flags.DEFINE_float(
    "warm_up_start",
    0.1,
    "The share of the learning rate at which the warm-up begins; goes with "
    "--warm_up_epochs.",
)
_MOMENTUM = flags.DEFINE_float("momentum", 0.9, "Momentum coefficient m, in [0, 1).")

flag_help.section("Budget")
_EPOCHS = flags.DEFINE_float(
    "epochs",
    None,
    "Length of training in passes over the training set; give this or --steps.",
)
_STEPS = flags.DEFINE_integer(
    "steps", None, "Length of training in parameter updates, instead of --epochs."
)
flag_help.section("Evaluation")
_EVALUATION_EPOCHS = flags.DEFINE_float(
    "evaluation_epochs", 1.0, "Epochs from one evaluation to the next, above 0."
)
_EVALUATION_STEPS = flags.DEFINE_integer(
    "evaluation_steps",
    None,
    "Steps from one evaluation to the next, instead of --evaluation_epochs; at "
    "least 1.",
)
_EVALUATIONS_PER_DECADE = flags.DEFINE_integer(
    "evaluations_per_decade",
    None,
    "More evaluations: before step 1, and this many from 10 to 100 steps, 100 to "
    "1000 and so on, evenly on a logarithmic axis; from 1 to 1000.",
)
_EVALUATIONS = (_EVALUATION_EPOCHS, _EVALUATION_STEPS, _EVALUATIONS_PER_DECADE)
_WEIGHT_DISTANCE = flags.DEFINE_bool(
    "weight_distance",
    False,
    "Record at every evaluation how far the weights are from the initial ones.",
)
flag_help.section("Training")
_LOSS = flags.DEFINE_string(
    "loss",
    losses.names()[0],
    f"What is minimised: {', '.join(losses.names())}; it must fit network and dataset.",
)
_LOSS_NOISE = flags.DEFINE_string(
    "loss_noise",
    "0",
    "Standard deviation of the noise: each example's loss is multiplied by a draw "
    "from N(1, LOSS_NOISE^2). auto makes the gradient as noisy as that of "
    "--base_batch_size.",
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Seed of weights, batches, augmentation and noise; an integer from 0."
)


def described(has_budget: bool = True, **changes: Any) -> config.RunConfig:
    """Returns the run that the flags describe, checked without TensorFlow or the data.

    What depends on the size of the training set is still to come, see `completed`.

    Args:
      has_budget: whether a flag gives the budget; otherwise it will be in epochs.
      **changes: fields of the run that the flags do not describe.

    Raises:
      UserError: a flag is out of range or goes with another, a name is unknown,
        TF_CONFIG is unfit, or a dataset is not prepared.
    """
    fields: dict[str, Any] = {
        "optimizer": _optimizer(),
        "batch_size": _BATCH_SIZE.value,
        "num_steps": 1 if _STEPS.value is None else _STEPS.value,
        "seed": _SEED.value,
        "batch_size_schedule": config.parse_schedule(
            _BATCH_SIZE_SCHEDULE.value, "batch_size_schedule"
        ),
        "loss": _LOSS.value,
        "loss_noise": 0.0 if _matches_noise() else _loss_noise(),
        "weight_distance": _WEIGHT_DISTANCE.value,
        **task_flags.run_fields(_VALIDATION_SIZE.value),
    }
    run = config.RunConfig(**{**fields, **changes})
    if has_budget and (_EPOCHS.value is None) == (_STEPS.value is None):
        remedy = "give one of --epochs and --steps"
        raise errors.UserError("epochs", _EPOCHS.value, remedy)
    if not has_budget and _STEPS.value is not None:
        remedy = "the budget is in epochs here; leave it out"
        raise errors.UserError("steps", _STEPS.value, remedy)
    if _EPOCHS.value is not None:
        errors.check_real("epochs", _EPOCHS.value, 0.0)
    if _EVALUATION_STEPS.value is not None:
        errors.check_integer("evaluation_steps", _EVALUATION_STEPS.value, 1)
        if _EVALUATION_EPOCHS.present:
            remedy = "give one of --evaluation_epochs and --evaluation_steps"
            raise errors.UserError("evaluation_steps", _EVALUATION_STEPS.value, remedy)
    if errors.check_real("evaluation_epochs", _EVALUATION_EPOCHS.value, 0.0) == 0:
        raise errors.UserError("evaluation_epochs", 0.0, "give more than 0")
    if _EVALUATIONS_PER_DECADE.value is not None:
        each = _EVALUATIONS_PER_DECADE
        errors.check_integer(each.name, each.value, 1, _MAX_EVALUATIONS_PER_DECADE)
    if _WARM_UP_START.present and not _WARM_UP_EPOCHS.value:
        remedy = "give --warm_up_epochs, its length, too"
        raise errors.UserError("warm_up_start", _WARM_UP_START.value, remedy)
    task_flags.check(run)
    return run


def base_and_remedies(
    usual_base: int | None = None,
) -> "tuple[int | None, large_batch.Remedies]":
    """As `large_batch_flags.given`."""
    return large_batch_flags.given(_matches_noise(), usual_base)


def budget() -> dict[str, Any]:
    """Returns what `completed` adds to a run, as the flags say it."""
    of_budget = [_EPOCHS, _STEPS, _EVALUATION_EPOCHS, _EVALUATION_STEPS]
    if _EVALUATIONS_PER_DECADE.present:  # sweeps without are named as they always were
        of_budget.append(_EVALUATIONS_PER_DECADE)
    return {flag.name: flag.value for flag in of_budget}


def check_budget(run: config.RunConfig, num_epochs: float | None = None) -> None:
    """Checks that a run reaches the end of its schedules, where that is known by now.

    The training set is taken to have the dataset's usual size, and what depends on that
    is checked again by `completed`.

    Args:
      run: as `described` returns it.
      num_epochs: as of `completed`.

    Raises:
      UserError: the budget is too short.
    """
    is_constant = isinstance(run.batch_size_schedule, config.Constant)
    if large_batch_flags.adapts_regime() or not is_constant:
        return  # another number of steps than is counted here
    usual = data.find(run.data.name).train_size
    size = run.data.train_size
    if size is None and usual is not None:
        size = usual - run.data.validation_size
    num_epochs = _EPOCHS.value if num_epochs is None else num_epochs
    num_steps, batch_size = run.num_steps, run.batch_size or size
    if num_epochs is not None:
        if not (size and batch_size) or run.data.sampling == "contiguous":
            return
        num_steps = int(fractions.Fraction(repr(num_epochs)) * size) // batch_size
    if num_steps < 1:
        return
    length = num_steps * batch_size / size if size and batch_size else float("inf")
    for schedule in (run.sgd.schedule, run.sgd.warm_up):
        schedule_budget.check(schedule, num_steps, length)


def completed(
    run: config.RunConfig,
    counted_with: int | None = None,
    num_epochs: float | None = None,
    at_end: bool = False,
) -> config.RunConfig:
    """Returns the run with its steps and evaluations; opens its data.

    Args:
      run: as `described` returns it.
      counted_with: the batch size with which epochs are counted as steps; None for the
        run's own.
      num_epochs: the budget, where no flag gives it.
      at_end: whether the run is evaluated at its end only, where no flag says when.

    Raises:
      UserError: the flags do not fit the data.
    """
    from bsgen.training import step_plan

    train_size = _train_size(run.data)
    stretch = 1.0
    if counted_with is not None:
        stretch = step_plan.base_batch_size(run, train_size) / counted_with
    if num_epochs is None:
        num_epochs = _EPOCHS.value
    if num_epochs is not None:
        counted = dataclasses.replace(run, batch_size=counted_with or run.batch_size)
        num_steps = step_plan.num_steps_in_epochs(num_epochs, counted, train_size)
        run = dataclasses.replace(run, num_steps=num_steps, evaluation_steps=())
    plan = step_plan.make(run, train_size)
    if at_end and not any(flag.present for flag in _EVALUATIONS):
        return dataclasses.replace(run, evaluation_steps=())
    return dataclasses.replace(run, evaluation_steps=_evaluation_steps(plan, stretch))


@functools.lru_cache(maxsize=64)
def _train_size(settings: config.DataConfig) -> int:
    source = data.load_source(settings, task_flags.DATA_DIR.value)
    return len(data.split(source, settings).train)


def _evaluation_steps(plan: "step_plan.Plan", stretch: float) -> tuple[int, ...]:
    from bsgen.studies import budgets
    from bsgen.training import step_plan

    flag: flags.FlagHolder[Any] = _EVALUATION_EPOCHS
    unit: Literal["epochs", "steps"] = "epochs"
    length, every = float(plan.epochs[-1]), stretch * _EVALUATION_EPOCHS.value
    if _EVALUATION_STEPS.value is not None:
        flag, unit, length = _EVALUATION_STEPS, "steps", plan.num_steps
        every = _EVALUATION_STEPS.value
    if flag.present and every > length:
        remedy = f"the run has {length:g} {unit}; leave it out, to evaluate at the end"
        raise errors.UserError(flag.name, flag.value, remedy)
    steps = step_plan.evaluation_steps(every, unit, plan)
    if _EVALUATIONS_PER_DECADE.value is None:
        return steps
    more = budgets.log_spaced(_EVALUATIONS_PER_DECADE.value, plan.num_steps)
    return tuple(sorted({0, *steps, *more}))


def _matches_noise() -> bool:
    return _LOSS_NOISE.value == "auto"


def _loss_noise() -> float:
    try:
        return float(_LOSS_NOISE.value)
    except ValueError as error:
        remedy = "give a number, or auto"
        raise errors.UserError("loss_noise", _LOSS_NOISE.value, remedy) from error


def _optimizer() -> config.MomentumConfig:
    length = _WARM_UP_EPOCHS.value
    return config.MomentumConfig(
        _LEARNING_RATE.value,
        _MOMENTUM.value,
        schedule=config.parse_schedule(_SCHEDULE.value),
        warm_up=config.WarmUp(length, _WARM_UP_START.value) if length else None,
        **task_flags.optimizer_fields(),
    )
