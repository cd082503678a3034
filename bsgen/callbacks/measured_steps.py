"""Numbers that a callback measured, by the step, in memory and perhaps in a file."""

import logging
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from bsgen import errors
from bsgen.callbacks import sgd_settings
from bsgen.files import json_lines

_LOGGER = logging.getLogger(__name__)


class MeasuredSteps:
    """A row of numbers for each step at which something was measured.

    Calls of `fit` that go on with one model and optimizer are one training. One that
    continues after its process has ended finds its rows in the file, up to the step
    that it goes back to; later ones are measured again.
    """

    def __init__(
        self, name: str, columns: Sequence[str], backup_dir: str | os.PathLike | None
    ):
        """Holds nothing yet.

        Args:
          name: of the callback, for messages and the file.
          columns: what the numbers of a row are.
          backup_dir: the folder of the file; None for no file.
        """
        self._name, self._columns = name, tuple(columns)
        self._optimizer: keras.optimizers.Optimizer | None = None
        self._rows: dict[int, tuple[float, ...]] = {}
        self._file = None
        if backup_dir is not None:
            path = pathlib.Path(backup_dir) / f"{name}.jsonl"
            remedy = "give another folder, or remove the file"
            self._file = json_lines.JsonLines(path, remedy)

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """The steps, rising, [n]."""
        return np.array([*self._rows], np.int64)

    def column(self, name: str) -> npt.NDArray[np.float64]:
        """Returns the numbers of one column, [n]."""
        place = self._columns.index(name)
        return np.array([row[place] for row in self._rows.values()], np.float64)

    def begin(self, model: keras.Model) -> int:
        """Finds the rows of this training, and returns the steps that it has taken.

        Raises:
          UserError: the file is damaged, or cannot be read or written.
        """
        step = sgd_settings.num_steps(model)
        if model.optimizer is not self._optimizer:
            self._optimizer = model.optimizer
            self._rows = self._load(step)
        return step

    def add(self, step: int, row: Sequence[float]) -> None:
        """Adds the numbers of a step.

        Raises:
          UserError: the file cannot be written.
        """
        self._rows[step] = tuple(row)
        if self._file is not None:
            try:
                self._file.append([self._line(step)], _parsed)
            except errors.UserError as error:
                raise self._renamed(error) from error

    def _load(self, step: int) -> dict[int, tuple[float, ...]]:
        if self._file is None:
            if step:
                _LOGGER.warning(
                    "%s begins where the model has taken %s steps; backup_dir would "
                    "keep what was measured before",
                    *(self._name, f"{step:,}"),
                )
            return {}
        try:
            rows = dict(self._file.read(_parsed)) if step else {}
            self._rows = {at: row for at, row in sorted(rows.items()) if at <= step}
            self._file.replace([self._line(at) for at in self._rows])
        except errors.UserError as error:
            raise self._renamed(error) from error
        return self._rows

    def _line(self, step: int) -> dict[str, Any]:
        return {"step": step, "row": list(self._rows[step])}

    def _renamed(self, error: errors.UserError) -> errors.UserError:
        return errors.UserError("backup_dir", error.value, error.remedy)


def _parsed(values: dict[str, Any]) -> tuple[int, tuple[float, ...]]:
    try:
        return int(values["step"]), tuple(map(float, values["row"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"no measured step: {error}") from error
