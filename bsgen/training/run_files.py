"""The files that one run leaves in its folder.

`config.json` (the run, its key, the hardware it was last started on), `metrics.jsonl`
(one JSON object a record), the checkpoints, and, when the run is over, `summary.json`
and `model.keras`. Every file is whole at any moment, except that a crash can tear the
last line of `metrics.jsonl`, which is rewritten when the run continues. Check sums
reveal damage.
"""

import logging
import os
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

from bsgen import config, errors
from bsgen.files import atomic, json_lines, sealed_json
from bsgen.training import (
    checkpoints,
    model_file,
    provenance,
    recorded_values,
    run_config_file,
)

CONFIG = run_config_file.NAME
METRICS, SUMMARY, MODEL = "metrics.jsonl", "summary.json", "model.keras"
_ENTRIES = {  # of summary.json
    *("status", "step", "num_records", "seconds", "final", "hardware"),
    *("key", "seed", "versions", "commit"),
}
_LOGGER = logging.getLogger(__name__)


class RunFiles:
    """Reads and writes the files of one run; UserError where it cannot be written."""

    def __init__(
        self,
        path: str | os.PathLike,
        run: config.RunConfig,
        hardware: config.HardwareConfig,
    ):
        """Names the folder and its run; touches nothing."""
        self.path = pathlib.Path(path)
        self._run = run
        self._hardware = hardware
        remedy = "give --resume=never to start over"
        self._metrics = json_lines.JsonLines(self.path / METRICS, remedy)

    def save(self, checkpoint: checkpoints.Checkpoint, keep: int = 2) -> pathlib.Path:
        """Writes a checkpoint with the run's key; see `checkpoints.save`."""
        info = {**checkpoint.info, "key": self._run.key}
        marked = checkpoints.Checkpoint(checkpoint.step, checkpoint.arrays, info)
        return checkpoints.save(self.path, marked, keep)

    def write_history(self, records: Iterable[dict[str, Any]]) -> None:
        """Makes `metrics.jsonl` hold exactly these records."""
        self._metrics.replace(records)

    def append(self, record: dict[str, Any]) -> None:
        """Adds a record to `metrics.jsonl`; it is on the disk when this returns."""
        self._metrics.append([record], _checked_record)

    def history(
        self, warn: Callable[[str], None] = _LOGGER.warning
    ) -> list[dict[str, Any]]:
        """Returns the records in `metrics.jsonl` of a run that is over.

        Args:
          warn: called with one line if they have no check sums.

        Raises:
          UserError: the file is damaged.
        """
        return self._metrics.read(_checked_record, warn)

    def save_model(self, model: Any) -> None:
        """Writes a Keras model as `model.keras`, for `keras.models.load_model`."""
        atomic.write_by(self.path / MODEL, model.save)

    def finish(self, summary: dict[str, Any]) -> None:
        """Writes `summary.json`, after which the run is `finished`.

        Args:
          summary: status, step, seconds, final values, hardware; the run's key and
            seed, versions and commit are added.
        """
        values = {
            **summary,
            "key": self._run.key,
            "seed": self._run.seed,
            "versions": provenance.versions(),
            "commit": provenance.commit(),
        }
        sealed_json.write(self.path / SUMMARY, values)

    def finished(self) -> dict[str, Any] | None:
        """Returns the summary of this very run if it is over, else None."""
        try:
            values = sealed_json.read(self.path / SUMMARY, _ENTRIES)
            if values is None or values.get("key") != self._run.key:
                return None
            recorded_values.check_outcome(values)
        except ValueError:
            return None
        return values

    def damage_after_the_end(self) -> str | None:
        """Returns which file of a finished run is damaged, in words, or None."""
        if not (self.path / SUMMARY).exists():
            return None
        summary = self.finished()
        if summary is None:
            return f"its {SUMMARY} is damaged"
        completed = summary["status"] == "completed"
        try:
            num_records = len(self.history(lambda line: None))
        except errors.UserError:
            num_records = -1
        needed = len(self._run.evaluation_steps) if completed else 0
        if num_records != summary.get("num_records", max(num_records, needed)):
            return f"its {METRICS} is missing or damaged"
        found = model_file.damage(self.path / MODEL)
        return f"its {MODEL} {found}" if completed and found else None

    def clear(self) -> None:
        """Removes everything but `config.json`, by which the folder is recognised."""
        for name in (SUMMARY, METRICS, MODEL):
            (self.path / name).unlink(missing_ok=True)
        checkpoints.remove_all(self.path)


def _checked_record(record: dict[str, Any]) -> dict[str, Any]:
    """Returns a record of `metrics.jsonl`; ValueError if a value is impossible."""
    if "step" not in record:
        raise ValueError("lacks the field step")
    for name, value in record.items():
        recorded_values.check_metric(name, value)
    return record
