"""The flags that describe one training run and its hardware, for every launcher."""

from typing import Any

from absl import flags

from bsgen import config, errors

# Scaling and augmentation that the papers, and most others, use for a dataset.
_USUAL = {
    "cifar10": ("standardize_channels", "crop_flip"),
    "cifar100": ("standardize_channels", "crop_flip"),
    "imagenet2012": ("imagenet", "flip"),
}
_PRECISIONS = ["float32", "mixed_bfloat16", "mixed_float16"]

DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where prepared datasets lie (default: as for TFDS)."
)
_DATASET = flags.DEFINE_string("dataset", "digits", "A dataset; digits needs no data.")
_TRAIN_SIZE = flags.DEFINE_integer(
    "train_size", None, "Training examples to draw (default: all).", lower_bound=1
)
_VALIDATION_SIZE = flags.DEFINE_integer(
    "validation_size", 0, "Training examples to set aside.", lower_bound=0
)
_SUBSET_SEED = flags.DEFINE_integer("subset_seed", 0, "Draws the training subset.")
_SCALING = flags.DEFINE_string(
    "scaling", "", "Of the inputs (default: what is usual for the dataset)."
)
_AUGMENTATION = flags.DEFINE_string(
    "augmentation", "", "Of training images (default: what is usual for the dataset)."
)
_SAMPLING = flags.DEFINE_enum(
    "sampling", "shuffle", ["shuffle", "independent"], "Each epoch, or each batch anew."
)

_MODEL = flags.DEFINE_string("model", "mlp", "A network of the papers.")
_NORMALIZATION = flags.DEFINE_string(
    "normalization",
    "",
    "batch, ghost or none (default: ghost with --ghost_batch_size).",
)
_GHOST_BATCH_SIZE = flags.DEFINE_integer(
    "ghost_batch_size", None, "Examples of a ghost batch."
)
_HIDDEN_UNITS = flags.DEFINE_list("hidden_units", None, "Widths, where they are free.")
_DROPOUT = flags.DEFINE_float("dropout", None, "Share dropped, where there is dropout.")
_VARIANT = flags.DEFINE_enum(
    "variant", "paper", ["paper", "released"], "As in the paper, or in its code."
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
_NESTEROV = flags.DEFINE_bool("nesterov", False, "Nesterov's form of the momentum.")
_L2 = flags.DEFINE_float(
    "l2", 0.0, "Adds (l2/2)|w|^2 to the mean loss, for all parameters."
)
_CLIP_NORM = flags.DEFINE_float("clip_norm", None, "Bound on the gradient's norm.")
_CLIP_STEPS = flags.DEFINE_integer("clip_steps", None, "Clip the first steps only.")

_EPOCHS = flags.DEFINE_float("epochs", None, "Passes over the training set.")
_STEPS = flags.DEFINE_integer("steps", None, "Parameter updates, instead of --epochs.")
_EVALUATION_EPOCHS = flags.DEFINE_float(
    "evaluation_epochs", 1.0, "Epochs from one evaluation to the next."
)
_EVALUATION_STEPS = flags.DEFINE_integer(
    "evaluation_steps", None, "Steps from one to the next, instead."
)
_SEED = flags.DEFINE_integer("seed", 0, "Of weights, order of batches, augmentation.")
_PRECISION = flags.DEFINE_enum("precision", "float32", _PRECISIONS, "Of the layers.")

_STRATEGY = flags.DEFINE_enum(
    "strategy",
    "single",
    ["single", "mirrored", "multi_worker"],
    "One device, all of this machine, or the machines in TF_CONFIG.",
)
_NUM_DEVICES = flags.DEFINE_integer(
    "num_devices", None, "Devices of this machine for --strategy=mirrored."
)
_GRADIENT_ACCUMULATION = flags.DEFINE_integer(
    "gradient_accumulation", 1, "Parts of a batch, one after the other; saves memory."
)
_JIT = flags.DEFINE_bool(
    "jit", None, "Compile the gradient with XLA (default: on a single GPU only)."
)
_DETERMINISTIC = flags.DEFINE_bool(
    "deterministic", False, "Equal runs are equal bit for bit; a little slower."
)
_DATA_PLACEMENT = flags.DEFINE_enum(
    "data_placement",
    "auto",
    ["auto", "device", "stream"],
    "Images on the device, or read ahead batch by batch.",
)


def hardware() -> config.HardwareConfig:
    """Returns the hardware that the flags describe."""
    fields: dict[str, Any] = {
        "strategy": _STRATEGY.value,
        "num_devices": _NUM_DEVICES.value,
        "gradient_accumulation": _GRADIENT_ACCUMULATION.value,
        "jit": _JIT.value,
        "deterministic": _DETERMINISTIC.value,
        "data_placement": _DATA_PLACEMENT.value,
    }
    return config.HardwareConfig(**fields)


def check() -> None:
    """Checks, before TensorFlow is loaded, what can be checked without it.

    Raises:
      UserError: a flag is out of range, a name is unknown, TF_CONFIG is unfit, or a
        dataset is not prepared.
    """
    from bsgen import data
    from bsgen.data import augmentation, scaling
    from bsgen.training import cluster

    chosen = _run(_any_steps()).data
    if (_EPOCHS.value is None) == (_STEPS.value is None):
        remedy = "give one of --epochs and --steps"
        raise errors.UserError("epochs", _EPOCHS.value, remedy)
    if chosen.scaling not in scaling.names():
        raise errors.unknown_name("scaling", chosen.scaling, scaling.names())
    augmentation.by_name(chosen.augmentation)
    if _STRATEGY.value == "multi_worker":
        cluster.place()
    data.require(_DATASET.value, DATA_DIR.value)


def run() -> config.RunConfig:
    """Returns the run that the flags describe; loads its data.

    Raises:
      UserError: a flag is out of range, or the flags do not fit together or the data.
    """
    from bsgen import data, models
    from bsgen.training import plan as plans

    once = _run(_any_steps())
    models.takes(once.model)  # so that a wrong name makes no folder
    source = data.load_source(once.data, DATA_DIR.value)
    train_size = len(data.split(source, once.data).train)
    num_steps = once.num_steps
    if _EPOCHS.value is not None:
        num_steps = plans.num_steps_in_epochs(_EPOCHS.value, once, train_size)
    plan = plans.make(_run(num_steps), train_size)
    if _EVALUATION_STEPS.value is None:
        steps = plans.evaluation_steps(_EVALUATION_EPOCHS.value, "epochs", plan)
    else:
        steps = plans.evaluation_steps(_EVALUATION_STEPS.value, "steps", plan)
    return _run(num_steps, steps)


def _any_steps() -> int:
    """Returns --steps; a number that will do where it is not known yet."""
    return 1 if _STEPS.value is None else _STEPS.value


def _run(num_steps: int, evaluation_steps: tuple[int, ...] = ()) -> config.RunConfig:
    fields: dict[str, Any] = {
        "data": _data(),
        "model": _model(),
        "optimizer": _optimizer(),
        "batch_size": _BATCH_SIZE.value,
        "num_steps": num_steps,
        "evaluation_steps": evaluation_steps,
        "seed": _SEED.value,
        "batch_size_schedule": config.parse_schedule(
            _BATCH_SIZE_SCHEDULE.value, "batch_size_schedule"
        ),
        "precision": _PRECISION.value,
    }
    return config.RunConfig(**fields)


def _data() -> config.DataConfig:
    plain = (config.DataConfig().scaling, "none")
    scaling, augmentation = _USUAL.get(_DATASET.value, plain)
    fields: dict[str, Any] = {
        "name": _DATASET.value,
        "train_size": _TRAIN_SIZE.value,
        "validation_size": _VALIDATION_SIZE.value,
        "scaling": _SCALING.value or scaling,
        "subset_seed": _SUBSET_SEED.value,
        "sampling": _SAMPLING.value,
        "augmentation": _AUGMENTATION.value or augmentation,
    }
    return config.DataConfig(**fields)


def _model() -> config.ModelConfig:
    ghost = _GHOST_BATCH_SIZE.value
    usual = "batch" if ghost is None else "ghost"
    fields: dict[str, Any] = {
        "name": _MODEL.value,
        "normalization": _NORMALIZATION.value or usual,
        "ghost_batch_size": ghost,
        "variant": _VARIANT.value,
        "dropout": _DROPOUT.value,
    }
    if _HIDDEN_UNITS.value is not None:
        fields["hidden_units"] = _integers("hidden_units", _HIDDEN_UNITS.value)
    return config.ModelConfig(**fields)


def _optimizer() -> config.MomentumConfig:
    length = _WARM_UP_EPOCHS.value
    return config.MomentumConfig(
        _LEARNING_RATE.value,
        _MOMENTUM.value,
        _NESTEROV.value,
        _L2.value,
        _CLIP_NORM.value,
        _CLIP_STEPS.value,
        config.parse_schedule(_SCHEDULE.value),
        config.WarmUp(length, _WARM_UP_START.value) if length else None,
    )


def _integers(flag: str, values: list[str]) -> tuple[int, ...]:
    try:
        return tuple(int(value) for value in values)
    except ValueError as error:
        raise errors.UserError(flag, values, "give whole numbers, 512,512") from error
