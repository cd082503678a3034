"""The studies of an output folder, finished and unfinished."""

import os
import pathlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from bsgen import errors, studies
from bsgen.reports import captions
from bsgen.studies import claims, folder, measurement_store
from bsgen.training import records


class Finished(NamedTuple):
    """A study with its results, perhaps of a part of its runs (`results.missing`).

    Attributes:
      study: the study.
      folder: its files.
      config: the content of `config.json`: scale, versions, keys of the runs.
      results: its tables.
      judged: its claims.
      num_lost: how many of the runs and measurements that it was made from are no
        longer recorded; with any lost, it cannot be remade.
    """

    study: studies.Study
    folder: folder.Folder
    config: dict[str, Any]
    results: studies.Results
    judged: list[claims.Claim]
    num_lost: int = 0

    def warning(self) -> str:
        """Returns what to say if the study is incomplete or cannot be remade."""
        if number := self.results.num_missing:
            of = len(self.config["runs"])
            then = "every claim stays undecided"
            if self.study.judges_parts:
                then = "what they would decide is not among the claims"
            verb = "is" if number == 1 else "are"
            words = f"Incomplete: {number} of {of} runs {verb} missing, and {then}. "
            return words + captions.missing(self.results)
        words = "of its runs and measurements are not recorded any more: the results "
        words += "below were made from them and cannot be remade"
        return f"{self.num_lost} {words}" if self.num_lost else ""


class Unfinished(NamedTuple):
    """A study that still lacks runs or measurements.

    Attributes:
      study: the study.
      num_needed: how many runs and measurements it needs.
      num_recorded: how many of them have finished.
    """

    study: studies.Study
    num_needed: int
    num_recorded: int


def read(
    output_dir: str | os.PathLike, known: Iterable[studies.Study]
) -> tuple[list[Finished], list[Unfinished]]:
    """Returns which of the known studies an output folder holds, in their order.

    A study is finished when its tables hold, or name as missing, exactly what its
    `config.json` names; after a restart with more seeds it is unfinished.

    Args:
      output_dir: of the studies.
      known: the studies to look for.

    Raises:
      UserError: the folder holds no study, or a file is damaged or of a newer version.
    """
    finished, unfinished = [], []
    recorded_runs = records.recorded_keys(output_dir)
    measured = measurement_store.MeasurementStore(output_dir)
    for study, found in started(output_dir, known):
        values = found.read_config()
        runs, rows = values["runs"], values["measurements"]
        recorded = sum(key in recorded_runs for key in runs)
        recorded += sum(measured.by_key(key) is not None for key in rows)
        needed = len(runs) + len(rows)
        entry = _read_finished(study, found, values)
        if entry is not None:
            lost = max(0, needed - recorded - entry.results.num_missing)
            finished.append(entry._replace(num_lost=lost))
        else:
            unfinished.append(Unfinished(study, needed, recorded))
    return finished, unfinished


def started(
    output_dir: str | os.PathLike, known: Iterable[studies.Study]
) -> list[tuple[studies.Study, folder.Folder]]:
    """Returns the known studies whose folder holds a `config.json`, in their order.

    Raises:
      UserError: there is none, or one has results but no `config.json`.
    """
    path = pathlib.Path(output_dir)
    folders = [(study, folder.Folder(path, study.name)) for study in known]
    found = [pair for pair in folders if pair[1].is_claimed() or pair[1].is_finished()]
    for _, entry in found:
        if not entry.is_claimed():
            remedy = "its config.json is gone; launch.reproduce with "
            remedy += f"--figure={entry.study_name} writes it, and keeps finished runs"
            raise errors.UserError("output_dir", str(entry.path), remedy)
    if not found:
        remedy = "holds no study; make some: python -m launch.reproduce --suite=quick"
        raise errors.UserError("output_dir", str(output_dir), remedy)
    return found


def _read_finished(
    study: studies.Study, found: folder.Folder, values: dict[str, Any]
) -> Finished | None:
    if not found.is_finished():
        return None
    try:
        results, judged = found.read_results(), found.read_claims()
        tables = results.runs, results.measurements, results.missing
        keys = {key for table in tables if len(table) for key in table["key"]}
    except (ValueError, KeyError) as error:
        remedy = f"{error}; launch.report remakes it from the recorded runs, and "
        remedy += "launch.reproduce trains those that are missing"
        raise errors.UserError("output_dir", str(found.path), remedy) from error
    if keys != {*values["runs"], *values["measurements"]}:
        return None
    return Finished(study, found, values, results, judged)
