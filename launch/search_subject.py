"""The flags that say what a search trains: one of our networks, or a user's model."""

from typing import TYPE_CHECKING, Any

from absl import flags

from bsgen import config, data, errors, models

from . import flag_help, hardware_flags, search_flags, task_flags, user_functions

if TYPE_CHECKING:
    from bsgen.tuning.procedures import settings
    from bsgen.tuning.trainers import protocol

_MOST_VALIDATION = 5000
_DEFAULT_BASELINE = 32  # what Keras' fit takes

flag_help.section("Data")
_VALIDATION_SIZE = flags.DEFINE_integer(
    "validation_size",
    None,
    "Training examples to set aside for validation (default: a fifth, at most 5000).",
    lower_bound=1,
)
flag_help.section("Network and data of your own")
_MODEL_FN = flags.DEFINE_string(
    "model_fn",
    None,
    "package.module:function that returns a Keras model, instead of --model.",
)
_DATA_FN = flags.DEFINE_string(
    "data_fn",
    None,
    "package.module:function that returns (train, validation) data, instead of "
    "--dataset.",
)
_LOSS = flags.DEFINE_string(
    "loss",
    None,
    "Keras' name of the loss, where --model_fn does not compile its model.",
)
_METRIC = flags.DEFINE_string(
    "metric", None, "Keras' name of the metric to tune (default: the model's first)."
)
_MODE = flags.DEFINE_enum(
    "mode",
    None,
    ["max", "min"],
    "Whether more or less of --metric is better (default: as Keras knows it).",
)
_BASELINE_BATCH_SIZE = flags.DEFINE_integer(
    "baseline_batch_size",
    None,
    "Batch size at which the model as --model_fn compiles it is measured beside an "
    "appendix_d or guided search (default: 32; 0: not measured).",
    lower_bound=0,
)


def check() -> None:
    """Checks the flags as far as possible without TensorFlow.

    Raises:
      UserError: flags do not fit together, or name something that does not exist.
    """
    if _MODEL_FN.value or _DATA_FN.value:
        for flag in (_MODEL_FN, _DATA_FN):
            if not flag.value:
                remedy = "give both --model_fn and --data_fn"
                raise errors.UserError(flag.name, flag.value, remedy)
        task_flags.refuse_given("--model_fn and --data_fn decide; leave it out")
        if _VALIDATION_SIZE.value is not None:
            remedy = "--data_fn returns the validation data; leave it out"
            raise errors.UserError("validation_size", _VALIDATION_SIZE.value, remedy)
        for flag in (_MODEL_FN, _DATA_FN):
            user_functions.check(flag.name, flag.value or "")
        return
    of_user: tuple[flags.FlagHolder, ...] = (_LOSS, _METRIC, _MODE)
    for flag in (*of_user, _BASELINE_BATCH_SIZE):
        if flag.value is not None:
            remedy = "goes with --model_fn and --data_fn"
            raise errors.UserError(flag.name, flag.value, remedy)
    if hardware_flags.STRATEGY.value == "multi_worker":
        remedy = "a search is spread by --role=chief and --role=worker"
        raise errors.UserError("strategy", "multi_worker", remedy)
    hardware_flags.given()
    run = _run(1)
    if models.reconstructs(run.model):
        remedy = (
            "a search scores settings by accuracy, and this network has none; tune "
        )
        remedy += "one like it with --model_fn and --data_fn"
        raise errors.UserError("model", run.model.name, remedy)
    carries = models.carries_state(run.model)
    if carries or data.find(run.data.name).labels == "tokens":
        remedy = "a search scores settings by accuracy, and a text has perplexities; "
        remedy += "launch.sweep --protocol compares batch sizes by these"
        name, value = (
            ("model", run.model.name) if carries else ("dataset", run.data.name)
        )
        raise errors.UserError(name, value, remedy)
    task_flags.check(run)


def description() -> dict[str, Any]:
    """Returns these flags' part of a search's identity.

    Raises:
      UserError: the data do not have what the flags ask for.
    """
    if _MODEL_FN.value:
        names = (_MODEL_FN, _DATA_FN, _LOSS, _METRIC, _MODE, _BASELINE_BATCH_SIZE)
        return {flag.name: flag.value for flag in names}
    return {"run": config.to_dict(_run(_validation_size()))}


def is_run() -> bool:
    """Returns whether the search trains one of our networks."""
    return not _MODEL_FN.value


def name() -> str:
    """Returns a name for a folder."""
    if _MODEL_FN.value:
        return _MODEL_FN.value.partition(":")[2]
    run = _run(1)
    return f"{run.data.name}_{run.model.name}"


def own(trainer: "protocol.Trainer") -> "settings.AsCompiled | None":
    """Returns the user's own optimizer, if it is to be measured beside the search."""
    from bsgen.tuning.trainers import protocol

    size = _BASELINE_BATCH_SIZE.value
    size = _DEFAULT_BASELINE if size is None else size
    if size == 0 or not search_flags.is_procedure():
        return None
    return protocol.own(trainer, size, search_flags.limit(trainer.train_size))


def make(folder: str) -> "protocol.Trainer":
    """Returns the trainer; loads the data.

    Whatever the user's functions raise is raised.

    Args:
      folder: of the search, for unfinished runs of big networks.

    Raises:
      UserError: data and model do not fit together.
    """
    from bsgen import tuning

    if _MODEL_FN.value and _DATA_FN.value:
        return _of_user(_MODEL_FN.value, _DATA_FN.value)
    return tuning.RunTrainer(
        _run(_validation_size()),
        search_flags.EPOCHS.value,
        f"{folder}/runs",
        task_flags.DATA_DIR.value,
        hardware_flags.given(),
    )


def _of_user(model_fn: str, data_fn: str) -> "protocol.Trainer":
    from bsgen import tuning

    build_model = user_functions.load("model_fn", model_fn)
    found = user_functions.load("data_fn", data_fn)()
    if not isinstance(found, tuple | list) or len(found) != 2 or found[1] is None:
        remedy = "let it return (train_data, validation_data): tuning needs both"
        raise errors.UserError("data_fn", data_fn, remedy)
    fields: dict[str, Any] = {
        "num_epochs": search_flags.EPOCHS.value,
        "loss": _LOSS.value,
        "metric": _METRIC.value,
        "mode": _MODE.value,
        "seed": search_flags.SEED.value,
    }
    train_data, validation_data = found
    return tuning.ModelTrainer(build_model, train_data, validation_data, **fields)


def _validation_size() -> int:
    """Returns --validation_size, or a fifth of the pool unless N leaves less."""
    if _VALIDATION_SIZE.value is not None:
        return _VALIDATION_SIZE.value
    # The size of the pool does not depend on that of the training set.
    all_data = config.DataConfig(task_flags.DATASET.value)
    source = data.load_source(all_data, task_flags.DATA_DIR.value)
    pool_size = len(data.split(source, all_data).train)
    left = pool_size - (task_flags.TRAIN_SIZE.value or 1)
    return max(min(pool_size // 5, _MOST_VALIDATION, left), 1)


def _run(validation_size: int) -> config.RunConfig:
    """Returns what all trials share."""
    return config.RunConfig(
        optimizer=config.MomentumConfig(**task_flags.optimizer_fields()),
        seed=search_flags.SEED.value,
        **task_flags.run_fields(validation_size),
    )
