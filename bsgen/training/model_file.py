"""The file `model.keras` of a run: a ZIP archive with a check sum for each part."""

import pathlib
import zipfile
from typing import TYPE_CHECKING

from bsgen import errors

if TYPE_CHECKING:
    import keras

_PARTS = {"metadata.json", "config.json", "model.weights.h5"}


def damage(path: pathlib.Path) -> str | None:
    """Returns what is wrong with a file, or None; does not load Keras."""
    if not path.exists():
        return "is missing"
    try:
        with zipfile.ZipFile(path) as archive:
            whole = archive.testzip() is None and _PARTS <= {*archive.namelist()}
    except Exception:  # noqa: BLE001, many kinds for a damaged archive
        whole = False
    return None if whole else "is damaged"


def check(path: pathlib.Path, remedy: str) -> None:
    """Checks a file without loading Keras; the error ends with `remedy`.

    Raises:
      UserError: it is missing or damaged.
    """
    found = damage(path)
    if found:
        raise errors.UserError("model", str(path), f"{found}; {remedy}")


def load(path: pathlib.Path, remedy: str) -> "keras.Model":
    """Returns the model in a file; an error ends with `remedy`.

    Raises:
      UserError: it is missing or damaged, or Keras cannot load it.
    """
    check(path, remedy)
    import keras

    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises many kinds
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        remedy = f"Keras cannot load it ({reason}); {remedy}"
        raise errors.UserError("model", str(path), remedy) from error
