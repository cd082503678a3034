"""The flags of a training task: data, network, penalty, hardware."""

from typing import Any

from absl import flags

from bsgen import config, data, errors, models
from bsgen.data import augmentation, scaling
from bsgen.models import losses

from . import paths

DATA_DIR = paths.define(
    "data_dir", None, "Folder of prepared datasets (default: as for TFDS)."
)
DATASET = flags.DEFINE_string(
    "dataset", "digits", f"One of {', '.join(data.names())}; the first is built in."
)
TRAIN_SIZE = flags.DEFINE_integer(
    "train_size", None, "Training examples to draw (default: all).", lower_bound=1
)
_SUBSET_SEED = flags.DEFINE_integer("subset_seed", 0, "Draws the training subset.")
_SCALING = flags.DEFINE_string(
    "scaling",
    "",
    f"Of the inputs: {', '.join(scaling.names())} (default: the dataset's usual one).",
)
_AUGMENTATION = flags.DEFINE_string(
    "augmentation",
    "",
    f"Of training images: {', '.join(augmentation.names())} (default: likewise).",
)
_SAMPLING = flags.DEFINE_enum(
    "sampling",
    None,
    config.choices(config.DataConfig, "sampling"),
    "Shuffle each epoch, draw each batch anew, or read a text on in streams (default: "
    "likewise).",
)

_MODEL = flags.DEFINE_string("model", "mlp", f"A network: {', '.join(models.names())}.")
_NORMALIZATION = flags.DEFINE_string(
    "normalization",
    None,
    "batch, ghost or none (default: ghost with --ghost_batch_size).",
)
_GHOST_BATCH_SIZE = flags.DEFINE_integer(
    "ghost_batch_size", None, "Examples of a ghost batch."
)
_RUNNING_STATISTICS = flags.DEFINE_enum(
    "running_statistics",
    "sequential",
    config.choices(config.ModelConfig, "running_statistics"),
    "How the ghosts of a batch move the statistics of inference.",
)
_RUNNING_SPREAD = flags.DEFINE_enum(
    "running_spread",
    "std",
    config.choices(config.ModelConfig, "running_spread"),
    "Which statistic of the ghosts is averaged.",
)
_UNBIASED = flags.DEFINE_bool(
    "unbiased", False, "Average unbiased variances of the ghosts."
)
_HIDDEN_UNITS = flags.DEFINE_list("hidden_units", None, "Widths, where they are free.")
_ACTIVATION = flags.DEFINE_string(
    "activation", None, "Of the hidden layers, where it is free (default: relu)."
)
_OUTPUT_ACTIVATION = flags.DEFINE_enum(
    "output_activation",
    None,
    config.choices(config.ModelConfig, "output_activation"),
    "Of autoencoders (default: linear).",
)
_INITIALIZATION = flags.DEFINE_enum(
    "initialization",
    None,
    config.choices(config.ModelConfig, "initialization"),
    "Of autoencoders (default: glorot).",
)
_DROPOUT = flags.DEFINE_float("dropout", None, "Share dropped, where there is dropout.")
_VARIANT = flags.DEFINE_enum(
    "variant",
    "paper",
    config.choices(config.ModelConfig, "variant"),
    "As in the paper, or in its code.",
)
_CHOICES: dict[str, flags.FlagHolder] = {
    "normalization": _NORMALIZATION,
    "hidden_units": _HIDDEN_UNITS,
    "activation": _ACTIVATION,
    "output_activation": _OUTPUT_ACTIVATION,
    "initialization": _INITIALIZATION,
    "dropout": _DROPOUT,
}

_NESTEROV = flags.DEFINE_bool("nesterov", False, "Nesterov's form of the momentum.")
_L2 = flags.DEFINE_float("l2", 0.0, "Adds (l2/2)|w|^2 to the mean loss.")
_L2_PARAMETERS = flags.DEFINE_enum(
    "l2_parameters",
    "all",
    config.choices(config.MomentumConfig, "l2_parameters"),
    "Which parameters --l2 covers: kernels leave out gains and biases.",
)
_CLIP_NORM = flags.DEFINE_float("clip_norm", None, "Bound on the gradient's norm.")
_CLIP_STEPS = flags.DEFINE_integer("clip_steps", None, "Clip the first steps only.")
_MOMENTUM_RESET = flags.DEFINE_enum(
    "momentum_reset",
    "never",
    config.choices(config.MomentumConfig, "momentum_reset"),
    "When the accumulators of the momentum go back to 0.",
)
_PRECISION = flags.DEFINE_enum(
    "precision",
    "float32",
    config.choices(config.RunConfig, "precision"),
    "Of the layers.",
)

STRATEGY = flags.DEFINE_enum(
    "strategy",
    "single",
    config.choices(config.HardwareConfig, "strategy"),
    "One device, all of this machine, or the machines in TF_CONFIG.",
)
_NUM_DEVICES = flags.DEFINE_integer(
    "num_devices", None, "Devices of this machine for --strategy=mirrored."
)
_GRADIENT_ACCUMULATION = flags.DEFINE_integer(
    "gradient_accumulation", 1, "Parts of a batch, one after the other; saves memory."
)
_JIT = flags.DEFINE_bool(
    "jit", None, "Compile the steps with XLA (default: on a single GPU only)."
)
_DETERMINISTIC = flags.DEFINE_bool(
    "deterministic", False, "Equal runs are equal bit for bit; a little slower."
)
_DATA_PLACEMENT = flags.DEFINE_enum(
    "data_placement",
    "auto",
    config.choices(config.HardwareConfig, "data_placement"),
    "Images on the device, or read ahead batch by batch.",
)


def check(run: config.RunConfig) -> None:
    """Checks a run and its hardware as far as possible without loading TensorFlow.

    Raises:
      UserError: a name is unknown, the network has no such choice, TF_CONFIG is unfit,
        or a dataset is not prepared.
    """
    from bsgen.training import carried_state, cluster

    models.check(run.model, run.precision)
    losses.of_run(run)
    carried_state.check(run, hardware())
    for field, flag in _CHOICES.items():
        # Also refused where it names what the network does anyway.
        if flag.value is not None and field not in models.takes(run.model):
            remedy = f"{run.model.name} has no {field} to choose; leave it out"
            raise errors.UserError(field, flag.value, remedy)
    chosen = run.data
    if chosen.scaling not in scaling.names():
        raise errors.unknown_name("scaling", chosen.scaling, scaling.names())
    augmentation.by_name(chosen.augmentation)
    if STRATEGY.value == "multi_worker":
        cluster.check()
    data.find(chosen.name).require(DATA_DIR.value)


def refuse_given(remedy: str) -> None:
    """Refuses every flag of this file that is given on the command line.

    Raises:
      UserError: one does.
    """
    for flag in flags.FLAGS.flags_by_module_dict()[__name__]:
        if flag.present:
            raise errors.UserError(flag.name, flag.value, remedy)


def hardware() -> config.HardwareConfig:
    """Returns the hardware that the flags describe."""
    fields: dict[str, Any] = {
        "strategy": STRATEGY.value,
        "num_devices": _NUM_DEVICES.value,
        "gradient_accumulation": _GRADIENT_ACCUMULATION.value,
        "jit": _JIT.value,
        "deterministic": _DETERMINISTIC.value,
        "data_placement": _DATA_PLACEMENT.value,
    }
    return config.HardwareConfig(**fields)


def run_fields(validation_size: int) -> dict[str, Any]:
    """Returns the fields of a run that the flags describe, apart from its optimizer.

    Args:
      validation_size: how many examples are set aside.
    """
    return {
        "data": _data_config(validation_size),
        "model": _model_config(),
        "precision": _PRECISION.value,
    }


def optimizer_fields() -> dict[str, Any]:
    """Returns the fields of `MomentumConfig` that are not searched for, by name."""
    return {
        "nesterov": _NESTEROV.value,
        "l2": _L2.value,
        "l2_parameters": _L2_PARAMETERS.value,
        "clip_norm": _CLIP_NORM.value,
        "clip_steps": _CLIP_STEPS.value,
        "momentum_reset": _MOMENTUM_RESET.value,
    }


def _data_config(validation_size: int) -> config.DataConfig:
    usual = data.find(DATASET.value)
    fields: dict[str, Any] = {
        "name": DATASET.value,
        "train_size": TRAIN_SIZE.value,
        "validation_size": validation_size,
        "scaling": _SCALING.value or usual.scaling,
        "subset_seed": _SUBSET_SEED.value,
        "sampling": _SAMPLING.value or usual.sampling,
        "augmentation": _AUGMENTATION.value or usual.augmentation,
    }
    return config.DataConfig(**fields)


def _model_config() -> config.ModelConfig:
    ghost = _GHOST_BATCH_SIZE.value
    usual = "batch" if ghost is None else "ghost"
    fields: dict[str, Any] = {
        "name": _MODEL.value,
        "normalization": _NORMALIZATION.value or usual,
        "ghost_batch_size": ghost,
        "variant": _VARIANT.value,
        "dropout": _DROPOUT.value,
        "running_statistics": _RUNNING_STATISTICS.value,
        "running_spread": _RUNNING_SPREAD.value,
        "unbiased": _UNBIASED.value,
    }
    for name in ("activation", "output_activation", "initialization"):
        if _CHOICES[name].value is not None:
            fields[name] = _CHOICES[name].value
    if _HIDDEN_UNITS.value is not None:
        fields["hidden_units"] = _integers("hidden_units", _HIDDEN_UNITS.value)
    return config.ModelConfig(**fields)


def _integers(flag: str, values: list[str]) -> tuple[int, ...]:
    try:
        return tuple(int(value) for value in values)
    except ValueError as error:
        raise errors.UserError(flag, values, "give whole numbers, 512,512") from error
