"""The flags that choose what is measured: the model, its loss and the data."""

import dataclasses
import pathlib
from typing import Any

import numpy as np
from absl import flags

from bsgen import config, errors, models
from bsgen.models import losses
from bsgen.training import model_file, run_config_file

from . import flag_help, paths, streamed_examples, user_functions

flag_help.section("What is measured")
_RUN_DIR = paths.define(
    "run_dir",
    "",
    "Folder of a finished run of launch.train, with config.json and model.keras.",
)
_MODEL_FN = flags.DEFINE_string(
    "model_fn",
    "",
    "package.module:function that returns a Keras model, instead of --run_dir.",
)
_DATA_FN = flags.DEFINE_string(
    "data_fn",
    "",
    "package.module:function that returns (train, test) data for --model_fn, each "
    "(inputs, targets), (inputs, targets, sample weights) or a tf.data.Dataset of "
    "such.",
)
_LOSS = flags.DEFINE_string(
    "loss", "", "Keras' name of a loss, in place of the one that --model_fn compiles."
)
_DATA = flags.DEFINE_enum(
    "data",
    "train",
    ["train", "validation", "test"],
    "The part of the data that is measured on.",
)
_NUM_EXAMPLES = flags.DEFINE_integer(
    "num_examples", None, "Examples to draw of that part (default: all).", lower_bound=1
)
_DATA_DIR = paths.define(
    "data_dir",
    None,
    "Folder of the prepared datasets (default: $TFDS_DATA_DIR, else "
    "~/tensorflow_datasets).",
)
_L2 = flags.DEFINE_float(
    "l2",
    None,
    "Coefficient of the penalty (l2/2)|w|^2 that is added to the mean loss; at "
    "least 0 (default: the run's, or 0).",
)
MOMENTUM = flags.DEFINE_float(
    "momentum",
    None,
    "Momentum coefficient m, in [0, 1), for the critical learning rate (default: "
    "the run's, or 0).",
)
SEED = flags.DEFINE_integer(
    "seed", 0, "Seed of the examples drawn and of all probes; an integer from 0."
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size",
    256,
    "Examples in one call of the model; only memory and speed depend on it.",
)
flag_help.section("Hardware")
_STRATEGY = flags.DEFINE_enum(
    "strategy",
    "single",
    ["single", "mirrored"],
    "Devices to measure on: one (single), or all of this machine (mirrored).",
)
_NUM_DEVICES = flags.DEFINE_integer(
    "num_devices",
    None,
    "Devices of this machine for --strategy=mirrored, from 1 to 64 (default: all "
    "GPUs, or without one all CPUs).",
)
_MODEL = "model.keras"
_REMEDY = "the command that trained the run finishes it, or makes the file again"


@dataclasses.dataclass(frozen=True)
class Loaded:
    """What is measured.

    Attributes:
      model: a built model.
      loss: of the model; None for its own.
      data: arrays, or a data set of batches.
      l2: of the penalty.
      momentum: for the critical learning rate.
      batch_size: examples a call.
      description: of the data, for the record.
    """

    model: Any
    loss: Any
    data: Any
    l2: float
    momentum: float
    batch_size: int
    description: dict[str, Any]


def check() -> None:
    """Checks the flags as far as possible without loading TensorFlow.

    Raises:
      UserError: flags do not fit together, or the folder holds no finished run.
    """
    if bool(_RUN_DIR.value) == bool(_MODEL_FN.value):
        remedy = "give one of --run_dir and --model_fn"
        raise errors.UserError("run_dir", _RUN_DIR.value, remedy)
    if bool(_MODEL_FN.value) != bool(_DATA_FN.value):
        remedy = "give it with --model_fn, and only then"
        raise errors.UserError("data_fn", _DATA_FN.value, remedy)
    if _LOSS.value and _RUN_DIR.value:
        remedy = "the run has its own; leave it out"
        raise errors.UserError("loss", _LOSS.value, remedy)
    if _MODEL_FN.value and _DATA.value == "validation":
        raise errors.UserError("data", "validation", "--data_fn gives train and test")
    errors.check_integer("batch_size", _BATCH_SIZE.value, 1)
    errors.check_integer("seed", SEED.value, 0, config.MAX_SEED)
    if _L2.value is not None:
        errors.check_float32("l2", _L2.value)
    if MOMENTUM.value is not None:
        errors.check_real("momentum", MOMENTUM.value, 0.0, 1.0)
    _hardware()
    if _RUN_DIR.value:
        _run()
        return
    if _DATA_DIR.value is not None:
        remedy = "--data_fn returns the data; leave it out"
        raise errors.UserError("data_dir", _DATA_DIR.value, remedy)
    user_functions.check("model_fn", _MODEL_FN.value)
    user_functions.check("data_fn", _DATA_FN.value)


def folder() -> str:
    """Returns the default folder of the results: the run's, if there is one."""
    name = _MODEL_FN.value.partition(":")[2]
    return _RUN_DIR.value or f"results/measure/{name}"


def run() -> config.RunConfig | None:
    """Returns the run of --run_dir; None without it."""
    return _run() if _RUN_DIR.value else None


def load() -> Loaded:
    """Loads model and data; errors of the user's functions propagate.

    Raises:
      UserError: model, loss, data or devices are missing, damaged, or too few.
    """
    from bsgen.training.loop import strategies

    with strategies.Devices(_hardware()).strategy.scope():
        model, loss, data, l2, momentum = _of_run() if _RUN_DIR.value else _of_user()
    chosen, num_examples = _draw(data, model)
    l2 = l2 if _L2.value is None else _L2.value
    momentum = momentum if MOMENTUM.value is None else MOMENTUM.value
    description = {
        "data": _DATA.value,
        "num_examples": num_examples,
        "l2": l2,
        "seed": SEED.value,
    }
    return Loaded(model, loss, chosen, l2, momentum, _BATCH_SIZE.value, description)


def _hardware() -> config.HardwareConfig:
    fields: dict[str, Any] = {
        "strategy": _STRATEGY.value,
        "num_devices": _NUM_DEVICES.value,
    }
    return config.HardwareConfig(**fields)


def _run() -> config.RunConfig:
    run = run_config_file.recorded_run(_RUN_DIR.value)
    if models.carries_state(run.model):
        remedy = f"holds a run of {run.model.name}, whose loss depends on what it has "
        remedy += "read before; measures take a loss of single examples"
        raise errors.UserError("run_dir", _RUN_DIR.value, remedy)
    model_file.check(pathlib.Path(_RUN_DIR.value, _MODEL), _REMEDY)
    return run


def _of_run() -> tuple[Any, Any, Any, float, float]:
    from bsgen import data

    run = run_config_file.recorded_run(_RUN_DIR.value)
    model = model_file.load(pathlib.Path(_RUN_DIR.value, _MODEL), _REMEDY)
    source = data.load_source(run.data, _DATA_DIR.value)
    loss = losses.of_run(run)
    part: Any
    if isinstance(source, data.Pool):
        inputs, labels = getattr(data.load(run.data, _DATA_DIR.value), _DATA.value)
        part = inputs, loss.targets(inputs, labels)
    else:
        part = streamed_examples.load(source, run.data, _DATA.value, SEED.value)
        part = part.map(lambda inputs, labels: (inputs, loss.targets(inputs, labels)))
    optimizer = run.optimizer
    momentum = getattr(optimizer, "momentum", 0.0)
    return model, loss.per_example, part, optimizer.l2, momentum


def _of_user() -> tuple[Any, Any, Any, float, float]:
    import keras

    from bsgen.data import forms
    from bsgen.measures.objective import given_model

    model = user_functions.load("model_fn", _MODEL_FN.value)()
    if not isinstance(model, keras.Model):
        remedy = "let it return a Keras model"
        raise errors.UserError("model_fn", type(model).__name__, remedy)
    loss = _LOSS.value or None  # None is the model's own
    if loss is None and not model.compiled:
        raise errors.UserError("loss", None, "give --loss, or compile the model")
    parts = user_functions.load("data_fn", _DATA_FN.value)()
    if not isinstance(parts, tuple | list) or len(parts) != 2:
        remedy = "let it return (train, test)"
        raise errors.UserError("data_fn", _DATA_FN.value, remedy)
    part = forms.read("data_fn", parts[_DATA.value == "test"])
    return given_model.built(model, part), loss, part, 0.0, 0.0


def _draw(data: Any, model: Any) -> tuple[Any, int | None]:
    """Returns --num_examples of the data, drawn at random where they are arrays."""
    import tensorflow as tf

    from bsgen.data import array_forms, dataset_forms

    count = _NUM_EXAMPLES.value
    if isinstance(data, tf.data.Dataset):
        shapes = dataset_forms.input_shapes(model)
        single = dataset_forms.single_examples("data", data, shapes)
        chosen = single if count is None else single.take(count)
        known = int(chosen.cardinality())
        return chosen.batch(_BATCH_SIZE.value), known if known >= 0 else count
    size = array_forms.count("data", data)
    if count is None:
        return data, size
    if count > size:
        remedy = f"there are {size} examples of {_DATA.value}"
        raise errors.UserError("num_examples", count, remedy)
    places = np.random.default_rng(SEED.value).permutation(size)[:count]
    return tf.nest.map_structure(lambda array: array[places], data), count
