"""The finished measurements of an output folder, in `measurements.jsonl`."""

import dataclasses
import json
import os
import pathlib
import shutil
from collections.abc import Iterable, Mapping
from typing import Any

from bsgen.studies import measurement
from bsgen.training import json_lines, strict_json


@dataclasses.dataclass(frozen=True)
class MeasurementRecord:
    """The rows of one finished measurement.

    Attributes:
      key: its `Measurement.key`.
      settings: as in the measurement.
      rows: name to value; None where a value was not finite.
      seconds: wall time.
    """

    key: str
    settings: dict[str, measurement.Value]
    rows: list[dict[str, measurement.Value]]
    seconds: float


class MeasurementStore:
    """Finds and keeps finished measurements."""

    def __init__(self, folder: str | os.PathLike):
        """Opens the store; the folder is made when the first measurement is kept.

        Raises:
          UserError: the file was written by a newer version.
        """
        self._folder = pathlib.Path(folder)
        self._lines = json_lines.JsonLines(self._folder / "measurements.jsonl")
        self._records: dict[str, MeasurementRecord] = {}
        for values in self._lines.read():
            if "rows" in values:
                self._keep(values)

    def folder(self, entry: measurement.Measurement) -> pathlib.Path:
        """Returns where a measurement keeps what it needs to resume."""
        return self._folder / "measurements" / entry.key

    def by_key(self, key: str) -> MeasurementRecord | None:
        """Returns the finished measurement with this key, or None."""
        return self._records.get(key)

    def missing(
        self, entries: Iterable[measurement.Measurement]
    ) -> list[measurement.Measurement]:
        """Returns those of `entries` that are not finished yet, each once."""
        unique = {entry.key: entry for entry in entries}
        return [entry for key, entry in unique.items() if key not in self._records]

    def forget(self, entries: Iterable[measurement.Measurement]) -> None:
        """Takes `entries` as not begun; new rows of one will take the old ones' place.

        What they kept to resume from is removed.
        """
        for entry in entries:
            self._records.pop(entry.key, None)
            shutil.rmtree(self.folder(entry), ignore_errors=True)

    def add(
        self,
        entry: measurement.Measurement,
        rows: Iterable[Mapping[str, Any]],
        seconds: float,
    ) -> None:
        """Appends a finished measurement; it is on the disk when this returns.

        Raises:
          UserError: the file cannot be written.
        """
        values = {
            "version": json_lines.FORMAT_VERSION,
            "key": entry.key,
            "settings": dict(entry.settings),
            "rows": [dict(row) for row in rows],
            "seconds": round(seconds, 4),
        }
        line = strict_json.dumps(values) + "\n"
        self._lines.append([line])
        self._keep(json.loads(line))  # what is found now is what will be read later

    def _keep(self, values: dict[str, Any]) -> None:
        names = [field.name for field in dataclasses.fields(MeasurementRecord)]
        record = MeasurementRecord(**{name: values[name] for name in names})
        self._records[record.key] = record
