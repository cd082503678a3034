"""How fast this machine trains, measured once and kept.

The file is `bsgen/calibration.json` in the user's cache folder (`$XDG_CACHE_HOME`, or
`~/.cache`), with an entry for each combination of hardware, threads and versions.
Where it cannot be read or written, nothing is kept.
"""

import dataclasses
import hashlib
import json
import math
import os
import pathlib
import subprocess
from collections.abc import Callable
from typing import Any

from bsgen import errors
from bsgen.files import sealed_json
from bsgen.training import cost, provenance

_FORMAT_VERSION = 2  # since outputs and layers are counted


def known() -> cost.Speed | None:
    """Returns what was measured here with these versions, without TensorFlow."""
    try:
        return _from_values(_read().get(_key()))
    except (TypeError, ValueError):
        return None


def measure(warn: Callable[[str], None]) -> cost.Speed:
    """Measures this machine, which takes some seconds, and keeps the result.

    Args:
      warn: called with one line where nothing can be measured, or kept.

    Returns:
      The speed; that of `cost.ONE_CORE` where nothing can be measured.
    """
    from bsgen.training import calibration_probes  # loads TensorFlow

    try:
        speed = calibration_probes.measure()
    except calibration_probes.FAILURES as error:
        line = str(error).partition("\n")[0]
        warn(f"the speed of this machine cannot be measured ({line})")
        return cost.ONE_CORE
    values = {**_read(), _key(): dataclasses.asdict(speed)}
    try:
        sealed_json.write(_path(), {**values, "version": _FORMAT_VERSION})
    except errors.UserError as error:
        warn(f"the speed of this machine is not kept: {error}")
    return speed


def _path() -> pathlib.Path:
    folder = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(folder) / "bsgen" / "calibration.json"


def _read() -> dict[str, Any]:
    """Returns the entries of the file; none if it is damaged or of another version."""
    try:
        values = sealed_json.read(_path()) or {}
    except ValueError:
        return {}
    return values if values.get("version") == _FORMAT_VERSION else {}


def _key() -> str:
    """Returns what identifies the hardware and the versions of the software."""
    names = "CUDA_VISIBLE_DEVICES", "TF_NUM_INTRAOP_THREADS"
    hardware = provenance.processor(), _cards(), *map(os.environ.get, names)
    text = json.dumps([*hardware, provenance.versions()])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _cards() -> str:
    """Returns the names of the GPUs, without TensorFlow."""
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _from_values(values: Any) -> cost.Speed:
    """Returns a speed; TypeError or ValueError if it is none."""
    speed = cost.Speed(**values)
    for field in dataclasses.fields(speed)[1:]:
        value = getattr(speed, field.name)
        if not (0 <= value < math.inf):
            raise ValueError(f"{field.name} is {value!r}")
    return speed
