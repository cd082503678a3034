"""What made a result: versions of the packages, the commit, and the hardware."""

import contextlib
import functools
import importlib.metadata
import os
import pathlib
import platform
import re
import subprocess

import numpy as np

_PACKAGES = ("bsgen", "tensorflow", "keras", "numpy")
_ROOT = pathlib.Path(__file__).parents[2]


def versions() -> dict[str, str | None]:
    """Returns the version of each package, None if not installed, and of Python."""
    found = {name: _version(name) for name in _PACKAGES}
    return {**found, "python": platform.python_version()}


def commit(root: pathlib.Path = _ROOT) -> str | None:
    """Returns the git commit of the package in the folder `root`, or None.

    Returns:
      40 hexadecimal digits, followed by "-dirty" if files have changed since; None if
      `root` is not the top of a git checkout, or git fails.
    """
    if not (root / ".git").exists():
        return None
    command = ["git", "--no-optional-locks", "-C", str(root), "describe", "--always"]
    command += ["--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def hardware(
    engine: str, num_replicas: int = 1, num_workers: int = 1
) -> dict[str, str]:
    """Returns what trains a run, or measures, in this process, for its record.

    Args:
      engine: of `routing.engine` or `Measurement.engine`; "numpy" leaves GPUs alone.
      num_replicas: devices that train the run together, of all workers.
      num_workers: processes that train it together.

    Returns:
      `device` (as "NVIDIA H200", "2 x NVIDIA H200" or "AMD EPYC, 2 cores"),
      `tensorflow` (its version; of NumPy under `numpy`) and `engine`.
    """
    if engine == "numpy":
        return {"device": processor(), "numpy": np.__version__, "engine": engine}
    card, version = _card_and_version()
    device = card or processor()
    if num_replicas > 1:
        device = f"{num_replicas} x {card or 'CPU'}"
    if num_workers > 1:
        device += f", {num_workers} workers"
    return {"device": device, "tensorflow": version, "engine": engine}


@functools.cache
def processor() -> str:
    """Returns the name of the processor, and how many cores this process may use."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        text = pathlib.Path("/proc/cpuinfo").read_text()
        found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
        name = " ".join(found[1].split()) if found else name
    number = num_cores()
    return f"{name}, {number} core{'s' * (number != 1)}"


def num_cores() -> int:
    """Returns how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not everywhere
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def _card_and_version() -> tuple[str | None, str]:
    """Returns the name of the first GPU that TensorFlow sees, and its version."""
    import tensorflow as tf  # late: versions are also named where it is not needed

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return None, tf.__version__
    details = tf.config.experimental.get_device_details(gpus[0])
    return details.get("device_name", "GPU"), tf.__version__


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
