"""The folder of one run: what is to be computed, how far it is, and what came out.

`config.json` (the run, its key, the hardware it was last started on), `metrics.jsonl`
(one JSON object a record), the checkpoints, and `summary.json` and `model.keras` when
the run is over. Every file is whole at any moment, except that a crash can tear the
last line of `metrics.jsonl`, which is written anew when the run is continued. Damage is
noticed by check sums: what can be made again from a checkpoint is, and
everything else is refused.
"""

import logging
import os
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

from bsgen import config, errors
from bsgen.files import atomic, folder_lock, json_lines, sealed_json
from bsgen.training import (
    checkpoints,
    model_file,
    provenance,
    recorded_values,
    run_config_file,
)

RESUME = ("auto", "never", "must")
_CONFIG = run_config_file.NAME
_METRICS, _SUMMARY, _MODEL = "metrics.jsonl", "summary.json", "model.keras"
_ENTRIES = (  # of summary.json
    "status",
    "step",
    "num_records",
    "seconds",
    "final",
    "hardware",
    "key",
    "seed",
    "versions",
    "commit",
)
_LOGGER = logging.getLogger(__name__)


class RunFolder:
    """The folder of one run; one process at a time may have it open.

    In a run of several processes the chief alone opens it; the others read
    `checkpoints.load_latest`.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        run: config.RunConfig,
        hardware: config.HardwareConfig,
    ):
        """Names the folder and the run that it is for; touches nothing."""
        self.path = pathlib.Path(path)
        self._run = run
        self._hardware = hardware
        self._lock = folder_lock.FolderLock(self.path)
        remedy = "give --resume=never to start over"
        self._metrics = json_lines.JsonLines(self._file(_METRICS), remedy)

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def open(
        self,
        resume: str = "auto",
        warn: Callable[[str], None] = _LOGGER.warning,
    ) -> checkpoints.Checkpoint | None:
        """Takes the folder for this run until `close`, or until the process dies.

        Nothing that this project did not write is ever changed or removed.

        Args:
          resume: "auto" continues the run if there is a checkpoint, "must" refuses to
            begin anew, "never" removes what a run left here, whichever it was.
          warn: is given one line for each damaged checkpoint that is passed over, and
            one if a finished run is to be finished again, because what it left is
            damaged.

        Returns:
          The checkpoint to continue from, whose records go to `write_history`; None if
          there is none. Ask `finished` before training.

        Raises:
          UserError: another process has the folder; it holds another run, or files of
            these names that are no run's; there is nothing to continue; what a finished
            run left is damaged and cannot be made again; it cannot be written, or was
            written by a newer version.
        """
        if resume not in RESUME:
            raise errors.unknown_name("resume", resume, RESUME)
        if resume == "must" and not self._file(_CONFIG).exists():
            raise self._error("holds no run to continue; give --resume=auto to begin")
        self._lock.take()
        try:
            self._check(any_run=resume == "never")
            return self._prepare(resume, warn)
        except OSError as error:
            self.close()
            raise atomic.cannot_write(self.path, error) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Lets another process open the folder."""
        self._lock.release()

    def save(self, checkpoint: checkpoints.Checkpoint, keep: int = 2) -> pathlib.Path:
        """Writes a checkpoint, with the run's key; see `checkpoints.save`."""
        info = {**checkpoint.info, "key": self._run.key}
        marked = checkpoints.Checkpoint(checkpoint.step, checkpoint.arrays, info)
        return checkpoints.save(self.path, marked, keep)

    def write_history(self, records: Iterable[dict[str, Any]]) -> None:
        """Makes `metrics.jsonl` hold exactly these records.

        Raises:
          UserError: the folder cannot be written.
        """
        self._metrics.replace(records)

    def history(
        self, warn: Callable[[str], None] = _LOGGER.warning
    ) -> list[dict[str, Any]]:
        """Returns the records in `metrics.jsonl` of a run that is over.

        Args:
          warn: is given one line if they have no check sum.

        Raises:
          UserError: the file is damaged.
        """
        return self._metrics.read(_checked_record, warn)

    def append(self, record: dict[str, Any]) -> None:
        """Adds a record to `metrics.jsonl`; it is on the disk when this returns.

        Raises:
          UserError: the folder cannot be written.
        """
        self._metrics.append([record], _checked_record)

    def save_model(self, model: Any) -> None:
        """Writes a Keras model as `model.keras`, which `keras.models.load_model` reads.

        Raises:
          UserError: the folder cannot be written.
        """
        atomic.write_by(self._file(_MODEL), model.save)

    def finish(self, summary: dict[str, Any]) -> None:
        """Writes `summary.json`, after which the run is `finished`.

        Args:
          summary: status, step, seconds, final values, hardware in words; the run's
            key and seed, versions and commit are added.

        Raises:
          UserError: the folder cannot be written.
        """
        values = {
            **summary,
            "key": self._run.key,
            "seed": self._run.seed,
            "versions": provenance.versions(),
            "commit": provenance.commit(),
        }
        sealed_json.write(self._file(_SUMMARY), values)

    def finished(self) -> dict[str, Any] | None:
        """Returns the summary of this very run if it is over, else None."""
        try:
            values = sealed_json.read(self._file(_SUMMARY), _ENTRIES)
            if values is None or values.get("key") != self._run.key:
                return None
            recorded_values.check_outcome(values)
        except ValueError:
            return None
        return values

    def _check(self, any_run: bool) -> None:
        """Checks that what lies in the folder is this run's, or any run's."""
        try:
            old = run_config_file.read(self.path)
        except sealed_json.Damaged as error:
            if self._is_named_elsewhere():
                return
            remedy = f"{_CONFIG}: {error}; choose another folder"
            raise self._error(remedy) from error
        if old is None:
            others = (_METRICS, _SUMMARY, _MODEL, "search.json")
            ours = [self._file(name) for name in others]
            ours += sorted(self.path.glob(checkpoints.PATTERN))
            foreign = [path.name for path in ours if path.exists()]
            if foreign and not self._is_named_elsewhere():
                remedy = f"holds {foreign[0]} but no {_CONFIG}; choose another folder"
                raise self._error(remedy)
        elif any_run or not self._holds_results():
            return
        elif old["config"] != config.to_dict(self._run):
            found = run_config_file.differences(
                old["config"], config.to_dict(self._run)
            )
            raise self._error(
                f"holds another run; differs in: {', '.join(found)}; give another "
                "folder, or --resume=never to start over"
            )

    def _is_named_elsewhere(self) -> bool:
        """Whether summary or checkpoint name this run, for want of `config.json`."""
        if self.finished() is not None:
            return True
        latest = checkpoints.load_latest(self.path, lambda line: None)
        return latest is not None and latest.info.get("key") == self._run.key

    def _holds_results(self) -> bool:
        """Whether a run got far enough to lose something."""
        return self._file(_SUMMARY).exists() or any(self.path.glob(checkpoints.PATTERN))

    def _prepare(
        self, resume: str, warn: Callable[[str], None]
    ) -> checkpoints.Checkpoint | None:
        for pattern in (_CONFIG, _METRICS, _SUMMARY, _MODEL, checkpoints.PATTERN):
            atomic.remove_stale(self.path, pattern)
        if resume == "never":
            self._clear()
        latest = checkpoints.load_latest(self.path, warn)
        if latest is not None and latest.info.get("key") != self._run.key:
            remedy = f"its checkpoint of step {latest.step} is another run's; remove it"
            raise self._error(remedy)
        damage = self._damage_after_the_end()
        if damage and latest is None:
            remedy = f"{damage}, though the run is over, and no checkpoint is left; "
            remedy += "give --resume=never, or remove the folder, to train it again"
            raise self._error(remedy)
        if damage and latest is not None:
            warn(f"{damage}; made again from the checkpoint of step {latest.step}")
            self._file(_SUMMARY).unlink()
        if self.finished() is not None:
            return latest
        if resume == "must" and latest is None:
            remedy = "holds no usable checkpoint; give --resume=auto to begin anew"
            raise self._error(remedy)
        run_config_file.write(self.path, self._run, self._hardware)
        if latest is None:
            self.write_history([])
        return latest

    def _damage_after_the_end(self) -> str | None:
        """Returns which file of a finished run is damaged, in words, or None."""
        if not self._file(_SUMMARY).exists():
            return None
        summary = self.finished()
        if summary is None:
            return f"its {_SUMMARY} is damaged"
        completed = summary["status"] == "completed"
        try:
            num_records = len(self.history(lambda line: None))
        except errors.UserError:
            num_records = -1
        needed = len(self._run.evaluation_steps) if completed else 0
        if num_records != summary.get("num_records", max(num_records, needed)):
            return f"its {_METRICS} is missing or damaged"
        found = model_file.damage(self._file(_MODEL))
        return f"its {_MODEL} {found}" if completed and found else None

    def _clear(self) -> None:
        """Removes what a run left but `config.json`, which says that it was one."""
        for name in (_SUMMARY, _METRICS, _MODEL):
            self._file(name).unlink(missing_ok=True)
        checkpoints.remove_all(self.path)

    def _file(self, name: str) -> pathlib.Path:
        return self.path / name

    def _error(self, remedy: str) -> errors.UserError:
        return errors.UserError("output_dir", str(self.path), remedy)


def _checked_record(record: dict[str, Any]) -> dict[str, Any]:
    """Returns a record of `metrics.jsonl`.

    Raises:
      ValueError: a value is impossible.
    """
    if "step" not in record:
        raise ValueError("lacks the field step")
    for name, value in record.items():
        recorded_values.check_metric(name, value)
    return record
