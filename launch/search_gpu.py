"""The flag that limits a process's share of a GPU, for workers that share one."""

from absl import flags

from bsgen import errors

from . import flag_help

flag_help.section("Hardware")
_GPU_MEMORY_MB = flags.DEFINE_integer(
    "gpu_memory_mb",
    None,
    "MiB of every visible GPU that this process may take (default: all; a worker "
    "takes what it needs).",
)


def check() -> None:
    """Checks the flag.

    Raises:
      UserError: the number is not above 0.
    """
    if _GPU_MEMORY_MB.value is not None:
        errors.check_integer("gpu_memory_mb", _GPU_MEMORY_MB.value, 1)


def apply() -> None:
    """Limits the memory; call it before anything is placed on a GPU.

    Raises:
      UserError: there is no GPU.
    """
    if _GPU_MEMORY_MB.value is None:
        return
    import tensorflow as tf

    devices = tf.config.list_physical_devices("GPU")
    if not devices:
        remedy = "TensorFlow sees no GPU; leave it out"
        raise errors.UserError("gpu_memory_mb", _GPU_MEMORY_MB.value, remedy)
    share = tf.config.LogicalDeviceConfiguration(memory_limit=_GPU_MEMORY_MB.value)
    for device in devices:
        tf.config.set_logical_device_configuration(device, [share])
