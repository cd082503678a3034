"""What a study measures beside training: a simulation, a line, a search.

A measurement is identified by its settings and by the runs that it needs; its rows are
kept whole, in `measurements.jsonl` beside the runs, and are never made twice.
"""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bsgen import config, errors
from bsgen.training import model_file, records

if TYPE_CHECKING:
    import keras

Value = str | int | float | bool | None


class Place:
    """Where a measurement is made: what it may ask for."""

    def __init__(
        self,
        store: records.RunStore,
        folder: pathlib.Path,
        data_dir: str | None = None,
        resume: str = "auto",
    ):
        """Takes the store of the study's runs.

        Args:
          store: of an output folder, in whose `runs/KEY` networks lie.
          folder: of this measurement alone, for long work that resumes; not made here.
          data_dir: where prepared datasets lie.
          resume: "auto", or "never" to train again what `train` is asked for.
        """
        self.folder = folder
        self.data_dir = data_dir
        self._store = store
        self._resume = resume

    def record(self, run: config.RunConfig) -> records.RunRecord:
        """Returns the record of a run that is finished.

        Raises:
          UserError: it is not.
        """
        found = self._store.find(run)
        if found is None:
            remedy = "has not been trained in this folder"
            raise errors.UserError("run", run.key, remedy)
        return found

    def model(self, run: config.RunConfig) -> "keras.Model":
        """Returns the network that a finished run left.

        Args:
          run: one that is trained alone; an ensemble keeps no networks.

        Raises:
          UserError: its folder holds no network, or a damaged one.
        """
        path = self._store.path.parent / "runs" / run.key / "model.keras"
        return model_file.load(path, "train its run again with --force")

    def train(self, runs: Sequence[config.RunConfig]) -> list[records.RunRecord]:
        """Trains those of `runs` that are missing, each kept at once; returns all.

        Raises:
          UserError: a run does not fit its data; nothing has been trained then.
        """
        from bsgen.training import execution

        if self._resume == "never":
            self._store.forget(runs)
        execution.execute(runs, self._store, self.data_dir, resume=self._resume)
        return [self.record(run) for run in runs]


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One measurement of a study.

    Attributes:
      settings: name to value; they decide its rows, and become columns of the table.
      measure: makes the rows, name to value; long work resumes from the place's folder.
      runs: that are to be finished before, and belong to the study's table of runs.
      datasets: names of those that it reads itself.
      seconds: expected wall time on two cores.
    """

    settings: Mapping[str, Value]
    measure: Callable[[Place], Sequence[Mapping[str, Any]]]
    runs: tuple[config.RunConfig, ...] = ()
    datasets: tuple[str, ...] = ()
    seconds: float = 1.0

    @property
    def key(self) -> str:
        """16 hexadecimal digits that follow from settings and runs."""
        parts = [dict(self.settings), [run.key for run in self.runs]]
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
