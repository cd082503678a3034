"""The flags of a training task: data, network, penalty."""

from typing import Any

from absl import flags

from bsgen import config, data, errors, models
from bsgen.data import augmentation, scaling
from bsgen.models import losses

from . import flag_help, hardware_flags, paths

flag_help.section("Data")
DATA_DIR = paths.define(
    "data_dir",
    None,
    "Folder of the prepared datasets (default: $TFDS_DATA_DIR, else "
    "~/tensorflow_datasets).",
)
DATASET = flags.DEFINE_string(
    "dataset",
    "digits",
    f"The dataset: {', '.join(data.names())}. digits comes with the library; "
    "launch.prepare_data fetches mnist and those after it.",
)
TRAIN_SIZE = flags.DEFINE_integer(
    "train_size",
    None,
    "Training examples to use, drawn at random (default: all).",
    lower_bound=1,
)
_SUBSET_SEED = flags.DEFINE_integer(
    "subset_seed",
    0,
    "Seed by which --train_size examples are drawn; an integer from 0.",
)
_SCALING = flags.DEFINE_string(
    "scaling",
    "",
    f"How inputs are scaled: {', '.join(scaling.names())} (default: the dataset's "
    "usual way).",
)
_AUGMENTATION = flags.DEFINE_string(
    "augmentation",
    "",
    f"How training images are augmented: {', '.join(augmentation.names())} "
    "(default: the dataset's usual way).",
)
_SAMPLING = flags.DEFINE_enum(
    "sampling",
    None,
    config.choices(config.DataConfig, "sampling"),
    "How batches are drawn: shuffle walks through a new order each epoch, independent "
    "draws each batch anew, contiguous cuts a text into streams and reads on in each "
    "(default: the dataset's usual way).",
)

flag_help.section("Network")
_MODEL = flags.DEFINE_string(
    "model", "mlp", f"The network: {', '.join(models.names())}."
)
flag_help.section("Normalization")
_NORMALIZATION = flags.DEFINE_string(
    "normalization",
    None,
    "Normalization of the network: batch, ghost or none (default: batch; ghost "
    "with --ghost_batch_size).",
)
_GHOST_BATCH_SIZE = flags.DEFINE_integer(
    "ghost_batch_size",
    None,
    "Examples of a ghost batch, at least 2: statistics of batch normalization are "
    "taken over so many.",
)
_RUNNING_STATISTICS = flags.DEFINE_enum(
    "running_statistics",
    "sequential",
    config.choices(config.ModelConfig, "running_statistics"),
    "How the ghosts of a batch move the averages that inference uses: one after "
    "the other, as the paper has it, or by their mean.",
)
_RUNNING_SPREAD = flags.DEFINE_enum(
    "running_spread",
    "std",
    config.choices(config.ModelConfig, "running_spread"),
    "Which of the ghosts' statistics is averaged beside the mean: the standard "
    "deviation, as the paper has it, or the variance.",
)
_UNBIASED = flags.DEFINE_bool(
    "unbiased",
    False,
    "Average unbiased variances of the ghosts, n - 1 in the denominator.",
)
flag_help.section("Network")
_HIDDEN_UNITS = flags.DEFINE_list(
    "hidden_units",
    None,
    "Widths of the hidden layers, such as 512,512, for networks whose widths are "
    "free (default: 800; of lstm 650,650).",
)
_ACTIVATION = flags.DEFINE_string(
    "activation",
    None,
    "Activation of the hidden layers, for networks where it is free, by its name "
    "in Keras (default: relu).",
)
_OUTPUT_ACTIVATION = flags.DEFINE_enum(
    "output_activation",
    None,
    config.choices(config.ModelConfig, "output_activation"),
    "Activation of an autoencoder's last layer (default: linear).",
)
_INITIALIZATION = flags.DEFINE_enum(
    "initialization",
    None,
    config.choices(config.ModelConfig, "initialization"),
    "Initial weights of an autoencoder (default: glorot).",
)
_DROPOUT = flags.DEFINE_float(
    "dropout",
    None,
    "Share of units that dropout drops, in [0, 1), for networks with dropout "
    "(default: the network's own).",
)
_VARIANT = flags.DEFINE_enum(
    "variant",
    "paper",
    config.choices(config.ModelConfig, "variant"),
    "The network as in its paper, or as in the code that the authors released.",
)
_CHOICES: dict[str, flags.FlagHolder] = {
    "normalization": _NORMALIZATION,
    "hidden_units": _HIDDEN_UNITS,
    "activation": _ACTIVATION,
    "output_activation": _OUTPUT_ACTIVATION,
    "initialization": _INITIALIZATION,
    "dropout": _DROPOUT,
}

flag_help.section("Optimizer")
_NESTEROV = flags.DEFINE_bool(
    "nesterov", False, "Take Nesterov's form of the momentum."
)
_L2 = flags.DEFINE_float(
    "l2",
    0.0,
    "Coefficient of the penalty (l2/2)|w|^2 that is added to the mean loss; at "
    "least 0.",
)
_L2_PARAMETERS = flags.DEFINE_enum(
    "l2_parameters",
    "all",
    config.choices(config.MomentumConfig, "l2_parameters"),
    "Parameters that --l2 covers: all, or kernels without gains and biases.",
)
_CLIP_NORM = flags.DEFINE_float(
    "clip_norm",
    None,
    "Largest norm of the gradient, above 0: longer ones are scaled down to it "
    "(default: no limit).",
)
_CLIP_STEPS = flags.DEFINE_integer(
    "clip_steps",
    None,
    "Clip the first so many steps only, at least 1 (default: all steps).",
)
_MOMENTUM_RESET = flags.DEFINE_enum(
    "momentum_reset",
    "never",
    config.choices(config.MomentumConfig, "momentum_reset"),
    "When the accumulated momentum goes back to 0.",
)
flag_help.section("Network")
_PRECISION = flags.DEFINE_enum(
    "precision",
    "float32",
    config.choices(config.RunConfig, "precision"),
    "Numbers in which the layers compute; weights are float32 always.",
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
    carried_state.check(run, hardware_flags.given())
    for field, flag in _CHOICES.items():
        # Also refused where it names what the network does anyway.
        if flag.value is not None and field not in models.takes(run.model):
            remedy = f"{run.model.name} has no {field} to choose; leave it out"
            raise errors.UserError(field, flag.value, remedy)
    chosen = run.data
    if chosen.scaling not in scaling.names():
        raise errors.unknown_name("scaling", chosen.scaling, scaling.names())
    augmentation.by_name(chosen.augmentation)
    if hardware_flags.STRATEGY.value == "multi_worker":
        cluster.check()
    data.find(chosen.name).require(DATA_DIR.value)


def refuse_given(remedy: str) -> None:
    """Refuses every flag of a task, or of its hardware, on the command line.

    Raises:
      UserError: one is given.
    """
    by_module = flags.FLAGS.flags_by_module_dict()
    for flag in by_module[__name__] + by_module[hardware_flags.__name__]:
        if flag.present:
            raise errors.UserError(flag.name, flag.value, remedy)


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
