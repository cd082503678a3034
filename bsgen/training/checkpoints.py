"""Checkpoints of a run: one file each, written whole or not at all.

The format is our own, because a single file can be renamed into place in one step and
verified as a whole; a TensorFlow checkpoint is several files, and a crash can leave any
subset of them. The file is an uncompressed NumPy archive (`numpy.load` opens it):
`manifest.json` and the arrays in the manifest's order. Its last 64 bytes, the archive's
comment, are the BLAKE2b digest of all bytes before, which reveals any damage.
"""

import dataclasses
import hashlib
import io
import json
import os
import pathlib
import re
import zipfile
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from bsgen import errors
from bsgen.files import atomic, format_version

FORMAT_VERSION = 1  # every version keeps `manifest.json` and the digest
PATTERN = "checkpoint-*.npz"
_DIGEST_BYTES = hashlib.blake2b().digest_size
_MANIFEST = "manifest.json"
_NAME = re.compile(r"checkpoint-(\d{8,})\.npz")


@dataclasses.dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state of a run after a number of steps.

    Attributes:
      step: parameter updates made so far.
      arrays: by name, of any shape and any type but objects.
      info: further state, of JSON's types; NaN and infinities are allowed.
    """

    step: int
    arrays: dict[str, np.ndarray]
    info: dict[str, Any]


def save(
    folder: str | os.PathLike, checkpoint: Checkpoint, keep: int = 2
) -> pathlib.Path:
    """Writes a checkpoint; it is on the disk when this returns.

    Older checkpoints beyond `keep` are removed. Files of later steps stay: they are
    damaged, as `load_latest` would have returned them otherwise.

    Args:
      folder: created if it does not exist.
      checkpoint: what to write.
      keep: how many checkpoints to keep, this one included; at least 1.

    Returns:
      The path of the file.

    Raises:
      UserError: the folder cannot be written; earlier checkpoints are untouched.
      ValueError: an array holds objects.
    """
    step = errors.check_integer("step", checkpoint.step, 0)
    keep = errors.check_integer("keep", keep, 1)
    path = pathlib.Path(folder) / f"checkpoint-{step:08d}.npz"
    atomic.write(path, _to_bytes(checkpoint))
    try:
        earlier = [old for number, old in _listed(path.parent) if number < step]
        for old in earlier[keep - 1 :]:
            old.unlink(missing_ok=True)
        atomic.remove_stale(path.parent, PATTERN)
    except OSError as error:
        raise atomic.cannot_write(path.parent, error) from error
    return path


def load_latest(
    folder: str | os.PathLike, warn: Callable[[str], None]
) -> Checkpoint | None:
    """Returns the newest undamaged checkpoint, or None; changes nothing in the folder.

    Calls `warn` with one line for each newer file that is skipped.

    Raises:
      UserError: a newer version of bsgen wrote it.
    """
    for _, path in _listed(pathlib.Path(folder)):
        try:
            return _from_bytes(path.read_bytes(), path)
        except OSError as error:
            reason = f"cannot be read ({error.strerror or error})"
        except _DamagedError as error:
            reason = str(error)
        warn(f"{path.name} {reason}; going back to the one before it, if any")
    return None


def remove_all(folder: str | os.PathLike) -> None:
    """Removes every checkpoint of a folder."""
    for _, path in _listed(pathlib.Path(folder)):
        path.unlink(missing_ok=True)


class _DamagedError(Exception):
    """A file is not a complete checkpoint."""


def _listed(folder: pathlib.Path) -> list[tuple[int, pathlib.Path]]:
    """Returns the checkpoint files with their steps, newest first."""
    if not folder.is_dir():
        return []
    named = [(_NAME.fullmatch(path.name), path) for path in folder.iterdir()]
    files = [(int(m[1]), path) for m, path in named if m and path.is_file()]
    return sorted(files, reverse=True)


def _to_bytes(checkpoint: Checkpoint) -> memoryview:
    arrays = {name: np.asarray(array) for name, array in checkpoint.arrays.items()}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise ValueError(f"{name!r} holds objects; a checkpoint cannot keep them")
    manifest = {
        "version": FORMAT_VERSION,
        "step": int(checkpoint.step),
        "arrays": [[name, array.dtype.name] for name, array in arrays.items()],
        "info": checkpoint.info,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.comment = bytes(_DIGEST_BYTES)
        archive.writestr(_MANIFEST, json.dumps(manifest))
        for index, array in enumerate(arrays.values()):
            with archive.open(_entry(index), "w", force_zip64=True) as entry:
                plain = (
                    array.view(f"u{array.itemsize}") if _is_foreign(array) else array
                )
                np.lib.format.write_array(entry, plain, allow_pickle=False)
    content = buffer.getbuffer()
    content[-_DIGEST_BYTES:] = _digest(content)
    return content


def _from_bytes(content: bytes, path: pathlib.Path) -> Checkpoint:
    if _digest(memoryview(content)) != content[-_DIGEST_BYTES:]:
        raise _DamagedError("is damaged or cut short")
    try:
        with np.load(io.BytesIO(content)) as archive:
            manifest = json.loads(archive[_MANIFEST])
            format_version.refuse_newer(path, manifest, FORMAT_VERSION)
            arrays = {
                name: _as_type(archive[_entry(index)], dtype)
                for index, (name, dtype) in enumerate(manifest["arrays"])
            }
        return Checkpoint(manifest["step"], arrays, manifest["info"])
    except format_version.NewerVersion:
        raise
    except Exception as error:  # of many kinds, for an archive that is not ours
        raise _DamagedError(f"is no checkpoint of bsgen ({error})") from error


def _as_type(array: np.ndarray, dtype: str) -> np.ndarray:
    # Types that NumPy lacks were written as unsigned integers of the same size.
    return array if array.dtype.name == dtype else array.view(getattr(ml_dtypes, dtype))


def _is_foreign(array: np.ndarray) -> bool:
    """Whether NumPy lacks the type, such as bfloat16."""
    return array.dtype.isbuiltin == 2


def _entry(index: int) -> str:
    return f"array-{index:05d}.npy"


def _digest(content: memoryview) -> bytes:
    return hashlib.blake2b(content[:-_DIGEST_BYTES]).digest()
