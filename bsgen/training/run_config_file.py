"""`config.json` of a run's folder: the run, its key, the hardware it began on."""

import os
import pathlib
from typing import Any

from bsgen import config, errors
from bsgen.files import sealed_json

NAME = "config.json"
_ENTRIES = ("version", "key", "config", "hardware")
FORMAT_VERSION = 1


def write(
    folder: pathlib.Path, run: config.RunConfig, hardware: config.HardwareConfig
) -> None:
    """Writes the file."""
    values = {
        "version": FORMAT_VERSION,
        "key": run.key,
        "config": config.to_dict(run),
        "hardware": config.to_dict(hardware),
    }
    sealed_json.write(folder / NAME, values)


def read(folder: pathlib.Path) -> dict[str, Any] | None:
    """Returns what `write` wrote; None if there is no file.

    Raises:
      Damaged: the file is damaged, or is not a run's.
      UserError: a newer version of bsgen wrote it.
    """
    values = sealed_json.read(folder / NAME, _ENTRIES, FORMAT_VERSION)
    if values is None:
        return None
    ours = isinstance(values.get("config"), dict)
    if not (ours and {"version", "key"} <= values.keys()):
        raise sealed_json.Damaged("it is no run's")
    return values


def recorded_run(folder: str | os.PathLike) -> config.RunConfig:
    """Returns the configuration of the run in a folder.

    Raises:
      UserError: the file is missing, damaged, or of a newer version.
    """
    path = pathlib.Path(folder)
    try:
        found = read(path)
    except sealed_json.Damaged as error:
        remedy = f"{NAME}: {error}; start the run again to write it"
        raise errors.UserError("run_dir", str(path), remedy) from error
    if found is None:
        remedy = f"it has no {NAME}; give the folder of a run"
        raise errors.UserError("run_dir", str(path), remedy)
    run = config.from_dict(found["config"])
    if run.key != found["key"]:
        remedy = f"its {NAME} is damaged: the key in it is not that of its run"
        raise errors.UserError("run_dir", str(path), remedy)
    return run


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Returns `field old -> new` for each field in which two configurations differ."""
    old, new = _flat(old), _flat(new)
    return [
        f"{field} {old.get(field, 'default')} -> {new.get(field, 'default')}"
        for field in sorted({*old, *new})
        if (field in old, old.get(field)) != (field in new, new.get(field))
    ]


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested dictionaries as one, with dotted names."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        nested = isinstance(value, dict)
        found |= _flat(value, f"{prefix}{name}.") if nested else {prefix + name: value}
    return found
