"""The file of finished measurements, `measurements.jsonl`."""

import dataclasses
import logging
import os
import pathlib
import shutil
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bsgen.files import json_lines
from bsgen.studies import measurement
from bsgen.training import recorded_values

_FIELDS = {"version": int, "key": str, "settings": dict, "rows": list, "seconds": float}
_LOGGER = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class MeasurementRecord:
    """The rows of one finished measurement.

    Attributes:
      key: its `Measurement.key`.
      settings: as in the measurement.
      rows: name to value; None where a value was not finite.
      seconds: wall time.
      hardware: `provenance.hardware` of where it was made; empty for measurements of
        versions that did not record it.
    """

    key: str
    settings: dict[str, measurement.Value]
    rows: list[dict[str, measurement.Value]]
    seconds: float
    hardware: dict[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> "MeasurementRecord":
        """Returns the record of an object in the file.

        Raises:
          ValueError: a field is missing or unknown, or its value impossible.
        """
        recorded_values.check_fields(values, _FIELDS, optional=("hardware",))
        _check_row("settings", values["settings"])
        for number, row in enumerate(values["rows"]):
            _check_row(f"rows[{number}]", row)
        hardware = values.get("hardware", {})
        recorded_values.check_texts("hardware", hardware)
        key, settings, rows = values["key"], values["settings"], values["rows"]
        return cls(key, settings, rows, values["seconds"], hardware)


class MeasurementStore:
    """The finished measurements of an output folder; see `records.RunStore`."""

    def __init__(
        self,
        folder: str | os.PathLike,
        warn: Callable[[str], None] = _LOGGER.warning,
    ):
        """Opens the store, as `RunStore` is opened."""
        self._folder = pathlib.Path(folder)
        path = self._folder / "measurements.jsonl"
        remedy = "remove that line, and its measurement is made again"
        self._lines = json_lines.JsonLines(path, remedy)
        found = self._lines.read(MeasurementRecord.from_values, warn)
        self._records = {record.key: record for record in found}

    def folder(self, entry: measurement.Measurement) -> pathlib.Path:
        """Returns where a measurement keeps what it needs to resume."""
        return self._folder / "measurements" / entry.key

    def by_key(self, key: str) -> MeasurementRecord | None:
        """Returns the finished measurement with this key, or None."""
        return self._records.get(key)

    def missing(
        self, entries: Iterable[measurement.Measurement]
    ) -> list[measurement.Measurement]:
        """Returns the unfinished ones of `entries`, without repeats."""
        unique = {entry.key: entry for entry in entries}
        return [entry for key, entry in unique.items() if key not in self._records]

    def forget(self, entries: Iterable[measurement.Measurement]) -> None:
        """Treats `entries` as never begun; their new rows will replace the old ones.

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
        hardware: Mapping[str, str],
    ) -> None:
        """Appends a finished measurement, as `RunStore.add` a run."""
        values = {
            "version": json_lines.FORMAT_VERSION,
            "key": entry.key,
            "settings": dict(entry.settings),
            "rows": [dict(row) for row in rows],
            "seconds": round(seconds, 4),
            "hardware": dict(hardware),
        }
        # Read back, so that later the same values are read from the file.
        (record,) = self._lines.append([values], MeasurementRecord.from_values)
        self._records[record.key] = record


def _check_row(name: str, row: Any) -> None:
    """Checks an object of texts, numbers and metrics."""
    if not isinstance(row, dict):
        raise ValueError(f"{name} is {row!r}, not an object")
    for field, value in row.items():
        if not isinstance(value, str | bool):
            recorded_values.check_metric(f"{name}.{field}", value)
