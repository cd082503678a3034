"""The records of finished runs, and the append-only file that stores them.

One JSON object a line, keyed by the run's whole configuration; a run whose line was
torn by a crash is trained again. Values are checked when they are read.
"""

import dataclasses
import logging
import os
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from bsgen import config, errors
from bsgen.files import json_lines
from bsgen.training import recorded_values

_FIELDS = {
    "version": int,
    "key": str,
    "config": dict,
    "status": str,
    "curve": dict,
    "final": dict,
    "seconds": float,
}
_LOGGER = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """The raw numbers of one finished run.

    Attributes:
      run: its configuration.
      status: "completed", or "diverged" if a weight stopped being finite.
      curve: for each metric (`step`, `test_accuracy`, `test_cross_entropy`, ...) its
        values at the evaluations that were reached, all lists of one length; None for
        values that were not finite.
      final: metrics at the end, None as in `curve`; empty for a diverged run.
      seconds: wall time; for runs trained together, this run's share.
      hardware: `provenance.hardware` of where it was trained (at its end, if it moved);
        empty for runs of versions that did not record it.
    """

    run: config.RunConfig
    status: Literal["completed", "diverged"]
    curve: dict[str, list[float | None]]
    final: dict[str, float | None]
    seconds: float
    hardware: dict[str, str] = dataclasses.field(default_factory=dict)

    def to_values(self) -> dict[str, Any]:
        """Returns the record as an object for `JsonLines`."""
        values = {
            "version": json_lines.FORMAT_VERSION,
            "key": self.run.key,
            "config": config.to_dict(self.run),
            "status": self.status,
            "curve": self.curve,
            "final": self.final,
            "seconds": round(self.seconds, 4),
        }
        return values | ({"hardware": self.hardware} if self.hardware else {})

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> "RunRecord":
        """Returns the record that `to_values` made.

        Raises:
          ValueError: a field is missing or unknown, or its value impossible.
        """
        recorded_values.check_fields(values, _FIELDS, optional=("hardware",))
        try:
            run = config.from_dict(values["config"])
        except errors.UserError as error:
            raise ValueError(f"config: {error}") from error
        if run.key != values["key"]:
            raise ValueError(f"key is {values['key']!r}, its config's is {run.key!r}")
        recorded_values.check_curve("curve", values["curve"])
        recorded_values.check_outcome(values)
        recorded_values.check_texts("hardware", values.get("hardware", {}))
        return cls(
            run,
            values["status"],
            values["curve"],
            values["final"],
            values["seconds"],
            values.get("hardware", {}),
        )


def from_history(
    run: config.RunConfig,
    summary: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
) -> RunRecord:
    """Returns the record of a run from its `summary.json` and `metrics.jsonl`.

    The curve has None where a record of the history lacks a metric.
    """
    names = dict.fromkeys(name for record in history for name in record)
    curve = {name: [record.get(name) for record in history] for name in names}
    hardware = summary.get("hardware", {})
    if isinstance(hardware, str):  # of older versions: the devices in words
        hardware = {"device": hardware}
    status, final, seconds = (summary[n] for n in ("status", "final", "seconds"))
    return RunRecord(run, status, curve, final, seconds, hardware)


def recorded_keys(folder: str | os.PathLike) -> set[str]:
    """Returns the keys of the finished runs of an output folder.

    Lines are checked by their sums alone, which is faster than to open a `RunStore`.

    Raises:
      UserError: as `RunStore`.
    """
    return set(_lines(folder).read(_key, lambda line: None))


class RunStore:
    """The finished runs of an output folder, stored in `runs.jsonl`."""

    def __init__(
        self,
        folder: str | os.PathLike,
        warn: Callable[[str], None] = _LOGGER.warning,
    ):
        """Opens the store; adding the first run creates the folder.

        Args:
          folder: of the file.
          warn: called with one line if lines have no check sum, and if runs have
            several lines.

        Raises:
          UserError: the file was written by a newer version, or is damaged.
        """
        self._lines = _lines(folder)
        self.path = self._lines.path
        found = self._lines.read(RunRecord.from_values, warn)
        self._records = {record.run.key: record for record in found}
        if len(found) > len(self._records):
            again = len(found) - len(self._records)
            warn(
                f"{self.path}: {again} of {len(found)} lines repeat a run; the last "
                "line of a run counts"
            )

    def find(self, run: config.RunConfig) -> RunRecord | None:
        """Returns the finished run of this configuration, or None."""
        return self._records.get(run.key)

    def by_key(self, key: str) -> RunRecord | None:
        """Returns the finished run with this `RunConfig.key`, or None."""
        return self._records.get(key)

    def network(self, run: config.RunConfig) -> pathlib.Path:
        """Returns where a run leaves its network, if it is trained on its own."""
        return self.path.parent / "runs" / run.key / "model.keras"

    def missing(self, runs: Iterable[config.RunConfig]) -> list[config.RunConfig]:
        """Returns those of `runs` that are not in the store, each once."""
        unique = {run.key: run for run in runs}
        return [run for key, run in unique.items() if key not in self._records]

    def forget(self, runs: Iterable[config.RunConfig]) -> None:
        """Treats `runs` as unfinished; a new record replaces the old one."""
        for run in runs:
            self._records.pop(run.key, None)

    def add(self, finished: Iterable[RunRecord]) -> None:
        """Adds finished runs; they are on the disk when this returns.

        Raises:
          UserError: the file cannot be written.
        """
        objects = [record.to_values() for record in finished]
        # The store now holds exactly what will be read from the file later.
        self.hold(self._lines.append(objects, RunRecord.from_values))

    def hold(self, finished: Iterable[RunRecord]) -> None:
        """Takes finished runs as being in the store, without writing them."""
        self._records |= {record.run.key: record for record in finished}


def _lines(folder: str | os.PathLike) -> json_lines.JsonLines:
    remedy = "remove that line, and its run is trained again"
    return json_lines.JsonLines(pathlib.Path(folder) / "runs.jsonl", remedy)


def _key(values: Mapping[str, Any]) -> str:
    if not isinstance(values.get("key"), str):
        raise ValueError("lacks the field key")
    return values["key"]
