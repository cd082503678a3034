"""The flags that say how a run is executed; its result does not depend on them."""

from typing import Any

from absl import flags

from bsgen import config

from . import flag_help

flag_help.section("Hardware")
STRATEGY = flags.DEFINE_enum(
    "strategy",
    "single",
    config.choices(config.HardwareConfig, "strategy"),
    "Devices to train on: one (single), all of this machine (mirrored), or the "
    "machines in TF_CONFIG (multi_worker).",
)
_NUM_DEVICES = flags.DEFINE_integer(
    "num_devices",
    None,
    "Devices of this machine for --strategy=mirrored, from 1 to 64 (default: all "
    "GPUs, or without one all CPUs).",
)
_GRADIENT_ACCUMULATION = flags.DEFINE_integer(
    "gradient_accumulation",
    1,
    "Parts into which a batch is cut, to be computed one after the other; saves "
    "memory. At least 1.",
)
_JIT = flags.DEFINE_bool(
    "jit", None, "Compile the steps with XLA (default: on a single GPU only)."
)
_DETERMINISTIC = flags.DEFINE_bool(
    "deterministic", False, "Make equal runs equal bit for bit; about 15 % slower."
)
_DATA_PLACEMENT = flags.DEFINE_enum(
    "data_placement",
    "auto",
    config.choices(config.HardwareConfig, "data_placement"),
    "Keep the images on the device, or read them ahead batch by batch (stream); "
    "auto decides by their size.",
)


def given() -> config.HardwareConfig:
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
