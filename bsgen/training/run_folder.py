"""The folder of one run: what is to be computed, how far it is, and what came out.

`config.json` (the run, its key, the hardware it was last started on), `metrics.jsonl`
(one JSON object a record), the checkpoints, and `summary.json` and `model.keras` when
the run is over. Every file is whole at any moment, except that a crash can tear the
last line of `metrics.jsonl`, which is written anew when the run is continued.
"""

import json
import logging
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterable
from typing import Any

from bsgen import atomic, config, errors, folder_lock
from bsgen.training import checkpoints, provenance, strict_json

FORMAT_VERSION = 1  # of config.json; a folder of a newer version is refused
RESUME = ("auto", "never", "must")
_CONFIG, _METRICS = "config.json", "metrics.jsonl"
_SUMMARY, _MODEL = "summary.json", "model.keras"
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
          warn: is given one line for each damaged checkpoint that is passed over.

        Returns:
          The checkpoint to continue from, whose records go to `write_history`; None if
          there is none. Ask `finished` before training.

        Raises:
          UserError: another process has the folder; it holds another run, or files of
            these names that are no run's; there is nothing to continue; it cannot be
            written, or was written by a newer version.
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
        text = "".join(map(_line, records))
        atomic.write(self._file(_METRICS), text.encode())

    def history(self) -> list[dict[str, Any]]:
        """Returns the records in `metrics.jsonl` of a run that is over.

        Raises:
          UserError: the file is missing or damaged.
        """
        try:
            lines = self._file(_METRICS).read_text().splitlines()
            return [json.loads(line) for line in lines]
        except (OSError, ValueError) as error:
            remedy = f"its {_METRICS} is missing or damaged, though the run is over; "
            raise self._error(f"{remedy}give --resume=never to start over") from error

    def append(self, record: dict[str, Any]) -> None:
        """Adds a record to `metrics.jsonl`; it is on the disk when this returns.

        Raises:
          UserError: the folder cannot be written.
        """
        try:
            with open(self._file(_METRICS), "ab") as file:
                file.write(_line(record).encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise atomic.cannot_write(self.path, error) from error

    def save_model(self, model: Any) -> None:
        """Writes a Keras model as `model.keras`, which `keras.models.load_model` reads.

        Raises:
          UserError: the folder cannot be written.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / _MODEL
            model.save(path)
            atomic.write(self._file(_MODEL), path.read_bytes())

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
        self._write(_SUMMARY, values)

    def finished(self) -> dict[str, Any] | None:
        """Returns the summary of this very run if it is over, else None."""
        try:
            values = json.loads(self._file(_SUMMARY).read_bytes())
        except (OSError, ValueError):
            return None
        ours = isinstance(values, dict) and values.get("key") == self._run.key
        return values if ours else None

    def _check(self, any_run: bool) -> None:
        """Checks that what lies in the folder is this run's, or any run's."""
        old = self._read_config()
        if old is None:
            ours = [self._file(name) for name in (_METRICS, _SUMMARY, _MODEL)]
            ours += sorted(self.path.glob(checkpoints.PATTERN))
            foreign = [path.name for path in ours if path.exists()]
            if foreign:
                remedy = f"holds {foreign[0]} but no {_CONFIG}; choose another folder"
                raise self._error(remedy)
        elif any_run or not self._holds_results():
            return
        elif old["config"] != config.to_dict(self._run):
            differences = _differences(old["config"], config.to_dict(self._run))
            raise self._error(
                f"holds another run; differs in: {', '.join(differences)}; give "
                "another folder, or --resume=never to start over"
            )

    def _holds_results(self) -> bool:
        """Whether a run got far enough to lose something."""
        return self._file(_SUMMARY).exists() or any(self.path.glob(checkpoints.PATTERN))

    def _read_config(self) -> dict[str, Any] | None:
        path = self._file(_CONFIG)
        if not path.exists():
            return None
        try:
            values = json.loads(path.read_bytes())
            newer = values["version"] > FORMAT_VERSION
            ours = "key" in values and isinstance(values.get("config"), dict)
        except (OSError, ValueError, KeyError, TypeError):
            newer, ours = False, False
        if newer:
            raise self._error(
                f"was written by a newer version of bsgen (format {values['version']}, "
                f"this one reads {FORMAT_VERSION}); upgrade bsgen or choose another "
                "folder"
            )
        if not ours:
            remedy = f"its {_CONFIG} is damaged or no run's; choose another folder"
            raise self._error(remedy)
        return values

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
        if self.finished() is not None:
            return latest
        if resume == "must" and latest is None:
            remedy = "holds no usable checkpoint; give --resume=auto to begin anew"
            raise self._error(remedy)
        self._write_config()
        if latest is None:
            self.write_history([])
        return latest

    def _clear(self) -> None:
        """Removes what a run left but `config.json`, which says that it was one."""
        for name in (_SUMMARY, _METRICS, _MODEL):
            self._file(name).unlink(missing_ok=True)
        checkpoints.remove_all(self.path)

    def _write_config(self) -> None:
        values = {
            "version": FORMAT_VERSION,
            "key": self._run.key,
            "config": config.to_dict(self._run),
            "hardware": config.to_dict(self._hardware),
        }
        self._write(_CONFIG, values)

    def _write(self, name: str, values: dict[str, Any]) -> None:
        text = strict_json.dumps(values, indent=1) + "\n"
        atomic.write(self._file(name), text.encode())

    def _file(self, name: str) -> pathlib.Path:
        return self.path / name

    def _error(self, remedy: str) -> errors.UserError:
        return errors.UserError("output_dir", str(self.path), remedy)


def _line(record: dict[str, Any]) -> str:
    return strict_json.dumps(record) + "\n"


def _differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Returns `field old -> new` for each field in which two configurations differ."""
    old, new = _flat(old), _flat(new)
    return [
        f"{field} {old.get(field, 'default')} -> {new.get(field, 'default')}"
        for field in sorted({*old, *new})
        if (field in old, old.get(field)) != (field in new, new.get(field))
    ]


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested dictionaries as one, with dotted names."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        nested = isinstance(value, dict)
        found |= _flat(value, f"{prefix}{name}.") if nested else {prefix + name: value}
    return found
