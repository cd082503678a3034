"""The flags that describe one training run, beside those of `task_flags`."""

from typing import TYPE_CHECKING, Any, Literal

from absl import flags

from bsgen import config, errors
from launch import task_flags

if TYPE_CHECKING:
    from bsgen.training import step_plan

_VALIDATION_SIZE = flags.DEFINE_integer(
    "validation_size", 0, "Training examples to set aside.", lower_bound=0
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 128, "Examples of one step, on all devices together."
)
_BATCH_SIZE_SCHEDULE = flags.DEFINE_string(
    "batch_size_schedule", "constant", "Like --schedule, for the batch size."
)
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 0.1, "At the start.")
_SCHEDULE = flags.DEFINE_string(
    "schedule",
    "constant",
    "Of the learning rate: constant | stepwise boundaries=81,122 factors=0.1,0.01 | "
    "cyclic factors=1,5 period=10 | constant_then_decay decay=2 num_decays=10; with "
    "unit=epochs or unit=steps.",
)
_WARM_UP_EPOCHS = flags.DEFINE_float(
    "warm_up_epochs", 0.0, "Linear rise of the learning rate.", lower_bound=0.0
)
_WARM_UP_START = flags.DEFINE_float("warm_up_start", 0.1, "Its first factor.")
_MOMENTUM = flags.DEFINE_float("momentum", 0.9, "m in [0, 1).")

_EPOCHS = flags.DEFINE_float("epochs", None, "Passes over the training set.")
_STEPS = flags.DEFINE_integer("steps", None, "Parameter updates, instead of --epochs.")
_EVALUATION_EPOCHS = flags.DEFINE_float(
    "evaluation_epochs", 1.0, "Epochs from one evaluation to the next."
)
_EVALUATION_STEPS = flags.DEFINE_integer(
    "evaluation_steps", None, "Steps from one to the next, instead."
)
_SEED = flags.DEFINE_integer("seed", 0, "Of weights, order of batches, augmentation.")


def check() -> None:
    """Checks, before TensorFlow is loaded, what can be checked without it.

    Raises:
      UserError: a flag is out of range or goes with another, a name is unknown,
        TF_CONFIG is unfit, or a dataset is not prepared.
    """
    run = _run(_any_steps())
    if (_EPOCHS.value is None) == (_STEPS.value is None):
        remedy = "give one of --epochs and --steps"
        raise errors.UserError("epochs", _EPOCHS.value, remedy)
    if _EPOCHS.value is not None:
        errors.check_real("epochs", _EPOCHS.value, 0.0)
    if _EVALUATION_STEPS.value is not None:
        errors.check_integer("evaluation_steps", _EVALUATION_STEPS.value, 1)
        if _EVALUATION_EPOCHS.present:
            remedy = "give one of --evaluation_epochs and --evaluation_steps"
            raise errors.UserError("evaluation_steps", _EVALUATION_STEPS.value, remedy)
    if errors.check_real("evaluation_epochs", _EVALUATION_EPOCHS.value, 0.0) == 0:
        raise errors.UserError("evaluation_epochs", 0.0, "give more than 0")
    if _WARM_UP_START.present and not _WARM_UP_EPOCHS.value:
        remedy = "give --warm_up_epochs, its length, too"
        raise errors.UserError("warm_up_start", _WARM_UP_START.value, remedy)
    task_flags.check(run)


def run() -> config.RunConfig:
    """Returns the run that the flags describe; loads its data.

    Raises:
      UserError: a flag is out of range, or the flags do not fit together or the data.
    """
    from bsgen import data
    from bsgen.training import step_plan

    once = _run(_any_steps())
    source = data.load_source(once.data, task_flags.DATA_DIR.value)
    train_size = len(data.split(source, once.data).train)
    num_steps = once.num_steps
    if _EPOCHS.value is not None:
        num_steps = step_plan.num_steps_in_epochs(_EPOCHS.value, once, train_size)
    plan = step_plan.make(_run(num_steps), train_size)
    return _run(num_steps, _evaluation_steps(plan))


def _evaluation_steps(plan: "step_plan.Plan") -> tuple[int, ...]:
    from bsgen.training import step_plan

    flag: flags.FlagHolder[Any] = _EVALUATION_EPOCHS
    unit: Literal["epochs", "steps"] = "epochs"
    length = float(plan.epochs[-1])
    if _EVALUATION_STEPS.value is not None:
        flag, unit, length = _EVALUATION_STEPS, "steps", plan.num_steps
    if flag.present and flag.value > length:
        remedy = f"the run has {length:g} {unit}; leave it out, to evaluate at the end"
        raise errors.UserError(flag.name, flag.value, remedy)
    return step_plan.evaluation_steps(flag.value, unit, plan)


def _any_steps() -> int:
    """Returns --steps; a number that will do where it is not known yet."""
    return 1 if _STEPS.value is None else _STEPS.value


def _run(num_steps: int, evaluation_steps: tuple[int, ...] = ()) -> config.RunConfig:
    fields: dict[str, Any] = {
        "data": task_flags.data_config(_VALIDATION_SIZE.value),
        "model": task_flags.model_config(),
        "optimizer": _optimizer(),
        "batch_size": _BATCH_SIZE.value,
        "num_steps": num_steps,
        "evaluation_steps": evaluation_steps,
        "seed": _SEED.value,
        "batch_size_schedule": config.parse_schedule(
            _BATCH_SIZE_SCHEDULE.value, "batch_size_schedule"
        ),
        "precision": task_flags.PRECISION.value,
    }
    return config.RunConfig(**fields)


def _optimizer() -> config.MomentumConfig:
    length = _WARM_UP_EPOCHS.value
    return config.MomentumConfig(
        _LEARNING_RATE.value,
        _MOMENTUM.value,
        task_flags.NESTEROV.value,
        task_flags.L2.value,
        task_flags.CLIP_NORM.value,
        task_flags.CLIP_STEPS.value,
        config.parse_schedule(_SCHEDULE.value),
        config.WarmUp(length, _WARM_UP_START.value) if length else None,
    )
