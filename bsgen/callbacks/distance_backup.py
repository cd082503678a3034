"""What the callback of the weight distance keeps on the disk."""

import pathlib
import zipfile
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bsgen import errors
from bsgen.files import atomic, sealed_json

_START, _POINTS = "initial_weights.npz", "weight_distance.json"


class Saved(NamedTuple):
    """What a folder holds.

    Attributes:
      start: w_0, an array for each trainable weight.
      points: distances by step, rising.
      offset: the optimizer's steps at w_0.
    """

    start: list[np.ndarray]
    points: dict[int, float]
    offset: int


class DistanceBackup:
    """Two files of a folder, each of them whole at any moment."""

    def __init__(self, folder: pathlib.Path):
        """Names the folder, which is made when something is written."""
        self._folder = folder

    def save_start(self, start: Sequence[np.ndarray]) -> None:
        """Writes w_0.

        Raises:
          UserError: the folder cannot be written.
        """
        try:
            (self._folder / _POINTS).unlink(missing_ok=True)  # of another training
            path = self._folder / _START
            atomic.write_by(path, lambda beside: np.savez(beside, *start))
        except OSError as error:
            raise atomic.cannot_write(self._folder, error, "backup_dir") from error
        except errors.UserError as error:
            raise _renamed(error) from error

    def save_points(self, points: dict[int, float], offset: int) -> None:
        """Writes the distances so far.

        Raises:
          UserError: the folder cannot be written.
        """
        rows = [[step, distance] for step, distance in points.items()]
        try:
            values = {"points": rows, "offset": offset}
            sealed_json.write_state(self._folder / _POINTS, values)
        except errors.UserError as error:
            raise _renamed(error) from error

    def load(self) -> Saved | None:
        """Returns what was written; None if there is nothing.

        Raises:
          UserError: a file is damaged.
        """
        try:
            values = sealed_json.read(self._folder / _POINTS, unsealed=())
            if values is None:
                return None
            with np.load(self._folder / _START) as file:
                start = [file[f"arr_{index}"] for index in range(len(file.files))]
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            remedy = f"what is kept there is damaged ({error}); give another folder, "
            remedy += "or initial_weights"
            raise errors.UserError("backup_dir", str(self._folder), remedy) from error
        points = {int(step): float(distance) for step, distance in values["points"]}
        return Saved(start, points, int(values["offset"]))


def _renamed(error: errors.UserError) -> errors.UserError:
    return errors.UserError("backup_dir", error.value, error.remedy)
