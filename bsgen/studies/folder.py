"""The folder that a study leaves: `OUTPUT_DIR/PAPERKEY/STUDY/`.

`config.json` (which study, scale, runs and measurements), `runs.csv`, `curves.csv`,
`claims.json`, and where there are some `measurements.csv`, `missing.csv` (of a study
that is not finished), `figure.png` and `table.csv`. All of them can be made again from
the records of runs and measurements; no file is ever half-written.

`config.json` also holds the check sums of the other files, so that only files that were
written together are read. Folders of older versions lack them.
"""

import contextlib
import dataclasses
import io
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bsgen import config, errors
from bsgen.figures import style
from bsgen.files import atomic, sealed_json, strict_json
from bsgen.studies import claims, measurement, shown, study
from bsgen.training import provenance

FORMAT_VERSION = 1  # of config.json; a folder of a newer version is refused
_CONFIG, _CLAIMS, _MISSING = "config.json", "claims.json", "missing.csv"
_FIGURE, _TABLE = "figure.png", "table.csv"
_ENTRIES = ("version", "study", "scale", "versions", "runs", "measurements", "files")


@dataclasses.dataclass(frozen=True)
class Folder:
    """The files of one study in an output folder."""

    output_dir: pathlib.Path
    study_name: str

    @property
    def path(self) -> pathlib.Path:
        """`OUTPUT_DIR/PAPERKEY/STUDY`."""
        return self.output_dir / self.study_name

    def check(
        self,
        scale: str,
        runs: Sequence[config.RunConfig],
        measurements: Sequence[measurement.Measurement] = (),
        force: bool = False,
    ) -> None:
        """Checks that `claim_for` may be called with the same arguments.

        Raises:
          UserError: the folder holds another configuration or a newer version.
        """
        if not self.is_claimed():
            return
        old = self.read_config()
        kept = {*old["runs"], *old["measurements"]}
        keys = {run.key for run in runs} | {entry.key for entry in measurements}
        if not force and (old["scale"] != scale or not kept <= keys):
            raise errors.UserError(
                "output_dir",
                str(self.output_dir),
                f"{self.study_name} there was made at scale={old['scale']} from "
                f"{len(kept)} runs and measurements that are not all among the "
                f"{len(keys)} of scale={scale}; choose another folder, or replace it "
                "with --force",
            )

    def claim_for(
        self,
        scale: str,
        runs: Sequence[config.RunConfig],
        measurements: Sequence[measurement.Measurement] = (),
        force: bool = False,
    ) -> None:
        """Writes `config.json`: what the study will be made from.

        A folder may grow (more seeds at the same scale), but never shrink or change.

        Args:
          scale: of the study.
          runs: that it needs.
          measurements: that it needs.
          force: allows replacing a folder of another configuration.

        Raises:
          UserError: as `check`, or the folder cannot be written.
        """
        self.check(scale, runs, measurements, force)
        values: dict[str, Any] = {
            "version": FORMAT_VERSION,
            "study": self.study_name,
            "scale": scale,
            "versions": provenance.versions(),
            "runs": list(dict.fromkeys(run.key for run in runs)),
            "measurements": list(dict.fromkeys(entry.key for entry in measurements)),
        }
        files = self._check_sums()
        if files is not None:
            values["files"] = files
        sealed_json.write(self.path / _CONFIG, values)

    def read_config(self) -> dict[str, Any]:
        """Returns what `claim_for` wrote.

        Raises:
          UserError: the file is damaged or of a newer version.
        """
        path = self.path / _CONFIG
        try:
            values = sealed_json.read(path, _ENTRIES, FORMAT_VERSION) or {}
            values = {"measurements": [], "versions": {}, **values}
            _check_config(values)
        except sealed_json.Damaged as error:
            remedy = f"{path} is damaged ({error}); delete that file, the finished "
            remedy += "runs are kept"
            raise errors.UserError(
                "output_dir", str(self.output_dir), remedy
            ) from error
        return values

    def write_results(
        self,
        results: study.Results,
        judged: Sequence[claims.Claim],
        seen: shown.Shown,
    ) -> None:
        """Writes the tables of results, the verdicts, and what the study shows.

        Raises:
          UserError: `config.json` is damaged, or the folder cannot be written.
        """
        tables = {"runs.csv": results.runs, "curves.csv": results.curves}
        if len(results.measurements):
            tables["measurements.csv"] = results.measurements
        if len(results.missing):
            tables[_MISSING] = results.missing
        else:
            (self.path / _MISSING).unlink(missing_ok=True)
        if seen.table is not None:
            tables[_TABLE] = seen.table
        contents = {
            name: table.to_csv(index=False).encode() for name, table in tables.items()
        }
        contents[_CLAIMS] = strict_json.to_bytes([claim.to_dict() for claim in judged])
        if seen.figure is not None:
            contents[_FIGURE] = style.png(seen.figure)
        self._write(contents)

    def read_results(self) -> study.Results:
        """Returns the tables that `write_results` wrote.

        Raises:
          Damaged: a file is missing, or is not what was written.
        """
        sums, tables = self._check_sums(), []
        for name in ("runs.csv", "curves.csv", "measurements.csv", _MISSING):
            optional = name in ("measurements.csv", _MISSING)
            there = name in sums if sums is not None else (self.path / name).exists()
            tables.append(
                self._read_csv(name) if there or not optional else pd.DataFrame()
            )
        return study.Results(*tables)

    def read_claims(self) -> list[claims.Claim]:
        """Returns the verdicts that `write_results` wrote.

        Raises:
          Damaged: the file is missing, or is not what was written.
        """
        content = self._read(_CLAIMS)
        try:
            return [claims.from_dict(value) for value in json.loads(content)]
        except (ValueError, TypeError, RecursionError) as error:
            raise _damaged(_CLAIMS, error) from error

    def read_figure(self) -> bytes | None:
        """Returns the picture; None if it is missing, damaged or of other results."""
        with contextlib.suppress(sealed_json.Damaged):
            return self._read(_FIGURE)
        return None

    def read_table(self) -> pd.DataFrame | None:
        """Returns the table shown; None as in `read_figure`."""
        with contextlib.suppress(sealed_json.Damaged):
            return self._read_csv(_TABLE)
        return None

    def is_claimed(self) -> bool:
        """Whether there is a `config.json`."""
        return (self.path / _CONFIG).exists()

    def is_finished(self) -> bool:
        """Whether the study has its tables and verdicts."""
        return (self.path / _CLAIMS).exists()

    def _read_csv(self, name: str) -> pd.DataFrame:
        content = self._read(name)
        if len(content) <= 1:
            return pd.DataFrame()
        try:
            # Keys are hexadecimal: "1234e5" must stay a text.
            return pd.read_csv(io.BytesIO(content), dtype={"key": str})
        except ValueError as error:
            raise _damaged(name, error) from error

    def _read(self, name: str) -> bytes:
        """Returns the content of a file that was written with the others."""
        sums = self._check_sums()
        try:
            content = (self.path / name).read_bytes()
        except OSError as error:
            raise _damaged(name, error.strerror) from error
        if sums is not None and sums.get(name) != sealed_json.check_sum(content):
            raise _damaged(name, "its check sum does not match")
        return content

    def _check_sums(self) -> dict[str, str] | None:
        """Returns the check sums of files by their names; None of an older version."""
        return self.read_config().get("files") if self.is_claimed() else None

    def _write(self, contents: Mapping[str, bytes]) -> None:
        """Writes files, and then their check sums."""
        for name, content in contents.items():
            atomic.write(self.path / name, content)
        if self.is_claimed():
            sums = {name: sealed_json.check_sum(c) for name, c in contents.items()}
            values = {**self.read_config(), "files": sums}
            sealed_json.write(self.path / _CONFIG, values)


def _check_config(values: Mapping[str, Any]) -> None:
    if not {"version", "study", "scale", "runs"} <= values.keys():
        raise sealed_json.Damaged("it lacks an entry")
    for name in ("runs", "measurements"):
        keys = values[name]
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise sealed_json.Damaged(f"its {name} are no list of keys")
    for name in ("versions", "files"):
        if not isinstance(values.get(name, {}), dict):
            raise sealed_json.Damaged(f"its {name} are no object")
    if not isinstance(values["scale"], str):
        raise sealed_json.Damaged("its scale is no text")


def _damaged(name: str, reason: object) -> sealed_json.Damaged:
    return sealed_json.Damaged(f"{name} is damaged ({reason})")
