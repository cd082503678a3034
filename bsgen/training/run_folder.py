"""Opening the folder of one run: to begin, to continue, or to find it finished.

Files that can be made again from a checkpoint are; any other damage is refused, and so
is a folder of another run. Nothing that bsgen did not write is changed or removed.
"""

import functools
import logging
from collections.abc import Callable

from bsgen import config, errors
from bsgen.files import atomic, folder_lock, sealed_json
from bsgen.training import checkpoints, run_config_file, run_files

RESUME = ("auto", "never", "must")
_LOGGER = logging.getLogger(__name__)


class RunFolder(run_files.RunFiles):
    """The folder of one run; one process at a time may have it open.

    In a run of several processes only the chief opens it; the others read
    `checkpoints.load_latest`.
    """

    @functools.cached_property
    def _lock(self) -> folder_lock.FolderLock:
        return folder_lock.FolderLock(self.path)

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def open(
        self,
        resume: str = "auto",
        warn: Callable[[str], None] = _LOGGER.warning,
    ) -> checkpoints.Checkpoint | None:
        """Takes the folder for this run until `close`, or until the process ends.

        Args:
          resume: "auto" continues the run if there is a checkpoint, "must" refuses to
            start over, "never" removes what any run left here.
          warn: called with one line for each damaged checkpoint that is skipped, and
            with one if a finished run is damaged and therefore finished again.

        Returns:
          The checkpoint to continue from, whose records go to `write_history`; None if
          there is none. Ask `finished` before training.

        Raises:
          UserError: another process has the folder; it holds another run, or files of
            these names that are no run's; there is nothing to continue; a finished run
            is damaged and cannot be made again; the folder cannot be written, or was
            written by a newer version.
        """
        if resume not in RESUME:
            raise errors.unknown_name("resume", resume, RESUME)
        if resume == "must" and not (self.path / run_files.CONFIG).exists():
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

    def _check(self, any_run: bool) -> None:
        """Checks that the folder belongs to this run, or to any run."""
        try:
            old = run_config_file.read(self.path)
        except sealed_json.Damaged as error:
            if self._is_named_elsewhere():
                return
            remedy = f"{run_files.CONFIG}: {error}; choose another folder"
            raise self._error(remedy) from error
        if old is None:
            self._refuse_foreign_files()
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

    def _refuse_foreign_files(self) -> None:
        """Refuses files of our names in a folder without `config.json`."""
        others = (run_files.METRICS, run_files.SUMMARY, run_files.MODEL, "search.json")
        named = [self.path / name for name in others]
        named += sorted(self.path.glob(checkpoints.PATTERN))
        foreign = [path.name for path in named if path.exists()]
        if foreign and not self._is_named_elsewhere():
            remedy = f"holds {foreign[0]} but no {run_files.CONFIG}; choose another "
            raise self._error(f"{remedy}folder")

    def _is_named_elsewhere(self) -> bool:
        """Whether summary or checkpoint name this run, in place of `config.json`."""
        if self.finished() is not None:
            return True
        latest = checkpoints.load_latest(self.path, lambda line: None)
        return latest is not None and latest.info.get("key") == self._run.key

    def _holds_results(self) -> bool:
        """Whether a run got far enough to lose something."""
        summary = self.path / run_files.SUMMARY
        return summary.exists() or any(self.path.glob(checkpoints.PATTERN))

    def _prepare(
        self, resume: str, warn: Callable[[str], None]
    ) -> checkpoints.Checkpoint | None:
        """Returns the checkpoint to continue from, after mending what can be mended."""
        names = (run_files.CONFIG, run_files.METRICS, run_files.SUMMARY)
        for pattern in (*names, run_files.MODEL, checkpoints.PATTERN):
            atomic.remove_stale(self.path, pattern)
        if resume == "never":
            self.clear()
        latest = checkpoints.load_latest(self.path, warn)
        if latest is not None and latest.info.get("key") != self._run.key:
            remedy = f"its checkpoint of step {latest.step} is another run's; remove it"
            raise self._error(remedy)
        damage = self.damage_after_the_end()
        if damage and latest is None:
            remedy = f"{damage}, though the run is over, and no checkpoint is left; "
            remedy += "give --resume=never, or remove the folder, to train it again"
            raise self._error(remedy)
        if damage and latest is not None:
            warn(f"{damage}; made again from the checkpoint of step {latest.step}")
            (self.path / run_files.SUMMARY).unlink()
        if self.finished() is not None:
            return latest
        if resume == "must" and latest is None:
            remedy = "holds no usable checkpoint; give --resume=auto to start over"
            raise self._error(remedy)
        run_config_file.write(self.path, self._run, self._hardware)
        if latest is None:
            self.write_history([])
        return latest

    def _error(self, remedy: str) -> errors.UserError:
        return errors.UserError("output_dir", str(self.path), remedy)
