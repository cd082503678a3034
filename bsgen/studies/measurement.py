"""Measurements of a study besides training: a simulation, a line, a search.

A measurement is identified by its settings and the runs that it needs. All its rows are
written at once to `measurements.jsonl`, beside the runs, and are never made again.
"""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from bsgen import config, errors
from bsgen.training import model_file, records

if TYPE_CHECKING:
    import keras

Value = str | int | float | bool | None


@dataclasses.dataclass(frozen=True)
class Place:
    """What a measurement may use: finished runs, their networks and a folder.

    Attributes:
      store: the runs of the output folder, whose networks lie in `runs/KEY`.
      folder: for this measurement alone, to resume long work from; it need not exist
        yet.
      data_dir: where prepared datasets lie.
      resume: "auto", or "never" for a `train` that ignores finished runs.
    """

    store: records.RunStore
    folder: pathlib.Path
    data_dir: str | None = None
    resume: str = "auto"

    def record(self, run: config.RunConfig) -> records.RunRecord:
        """Returns the record of a finished run.

        Raises:
          UserError: the run has not finished.
        """
        found = self.store.find(run)
        if found is None:
            remedy = "has not been trained in this folder"
            raise errors.UserError("run", run.key, remedy)
        return found

    def model(self, run: config.RunConfig) -> "keras.Model":
        """Returns the network that a finished run left.

        Args:
          run: one of the measurement's own; others may have left no network.

        Raises:
          UserError: its folder holds no network, or a damaged one.
        """
        path = self.store.network(run)
        return model_file.load(path, "train its run again with --force")

    def train(self, runs: Sequence[config.RunConfig]) -> list[records.RunRecord]:
        """Trains the missing ones of `runs`, and returns the records of all.

        Raises:
          UserError: a run does not fit its data; nothing has been trained then.
        """
        from bsgen.training import execution

        if self.resume == "never":
            self.store.forget(runs)
        execution.execute(runs, self.store, self.data_dir, resume=self.resume)
        return [self.record(run) for run in runs]


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One measurement of a study.

    Attributes:
      settings: name to value; they determine the rows, and become columns of the table.
      measure: makes the rows, name to value; long work resumes from the place's folder.
        Worker processes get it pickled, as a function of a module or a partial of one.
      runs: to be finished before, and to leave their networks; they also belong to
        the study's table of runs.
      recorded: likewise, but their records suffice.
      datasets: names of the datasets that the measurement reads itself.
      seconds: that one core of an AMD EPYC is expected to take.
      engine: "tensorflow", or "numpy" if it uses the processor alone.
    """

    settings: Mapping[str, Value]
    measure: Callable[[Place], Sequence[Mapping[str, Any]]]
    runs: tuple[config.RunConfig, ...] = ()
    datasets: tuple[str, ...] = ()
    seconds: float = 1.0
    engine: Literal["tensorflow", "numpy"] = "tensorflow"
    recorded: tuple[config.RunConfig, ...] = ()

    @property
    def needs(self) -> tuple[config.RunConfig, ...]:
        """All runs that have to be finished before."""
        return self.runs + self.recorded

    @property
    def key(self) -> str:
        """16 hexadecimal digits that follow from settings and runs."""
        parts = [dict(self.settings), [run.key for run in self.needs]]
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
