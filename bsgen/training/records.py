"""What a finished run leaves, and the append-only file that keeps it.

One JSON object a line, keyed by the run's whole configuration; a run whose line was
torn by a crash is trained again.
"""

import dataclasses
import json
import os
import pathlib
from collections.abc import Iterable
from typing import Any, Literal

from bsgen import config
from bsgen.training import json_lines, strict_json


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """The raw numbers of one finished run.

    Attributes:
      run: its configuration.
      status: "completed", or "diverged" when a weight stopped being finite.
      curve: for each metric (`step`, `test_accuracy`, `test_cross_entropy`, ...) its
        values at the evaluations that were reached, all of one length; None where a
        value read from a file was not finite.
      final: metrics at the end, None as in `curve`; empty for a diverged run.
      seconds: wall time, the run's share of its program's.
    """

    run: config.RunConfig
    status: Literal["completed", "diverged"]
    curve: dict[str, list[float | None]]
    final: dict[str, float | None]
    seconds: float

    def to_line(self) -> str:
        """Returns the record as one line of strict JSON (no NaN)."""
        values = {
            "version": json_lines.FORMAT_VERSION,
            "key": self.run.key,
            "config": config.to_dict(self.run),
            "status": self.status,
            "curve": self.curve,
            "final": self.final,
            "seconds": round(self.seconds, 4),
        }
        return strict_json.dumps(values) + "\n"

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> "RunRecord":
        """Returns the record of one parsed line."""
        return cls(
            config.from_dict(values["config"]),
            values["status"],
            values["curve"],
            values["final"],
            values["seconds"],
        )


class RunStore:
    """The finished runs of an output folder, in `runs.jsonl`."""

    def __init__(self, folder: str | os.PathLike):
        """Opens the store; the folder is made when the first run is kept.

        Raises:
          UserError: the file was written by a newer version.
        """
        self.path = pathlib.Path(folder) / "runs.jsonl"
        self._lines = json_lines.JsonLines(self.path)
        self._records: dict[str, RunRecord] = {}
        for values in self._lines.read():
            if "config" in values:
                self._keep(values)

    def _keep(self, values: dict[str, Any]) -> None:
        record = RunRecord.from_values(values)
        self._records[record.run.key] = record

    def find(self, run: config.RunConfig) -> RunRecord | None:
        """Returns the finished run of this configuration, or None."""
        return self.by_key(run.key)

    def by_key(self, key: str) -> RunRecord | None:
        """Returns the finished run with this `RunConfig.key`, or None."""
        return self._records.get(key)

    def missing(self, runs: Iterable[config.RunConfig]) -> list[config.RunConfig]:
        """Returns those of `runs` that are not finished yet, each once."""
        unique = {run.key: run for run in runs}
        return [run for key, run in unique.items() if key not in self._records]

    def forget(self, runs: Iterable[config.RunConfig]) -> None:
        """Takes `runs` as not finished; a new record of one will take its place."""
        for run in runs:
            self._records.pop(run.key, None)

    def add(self, finished: Iterable[RunRecord]) -> None:
        """Appends finished runs; they are on the disk when this returns.

        Raises:
          UserError: the file cannot be written.
        """
        lines = [record.to_line() for record in finished]
        self._lines.append(lines)
        for line in lines:  # what is found now is what will be read later
            self._keep(json.loads(line))
