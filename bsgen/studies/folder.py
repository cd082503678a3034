"""The folder that a study leaves: `OUTPUT_DIR/PAPERKEY/STUDY/`.

`config.json` (which study, scale, runs and measurements), `runs.csv`, `curves.csv`,
`measurements.csv` where there are some, and `claims.json`; `figure.png` is added by the
reports. All of it is remade from the stores of runs and measurements; no file is ever
half-written.
"""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import pandas as pd

from bsgen import atomic, config, errors
from bsgen.studies import claims, measurement, study
from bsgen.training import provenance

FORMAT_VERSION = 1  # of config.json; a folder of a newer version is refused


@dataclasses.dataclass(frozen=True)
class Folder:
    """The files of one study in an output folder."""

    output_dir: pathlib.Path
    study_name: str

    @property
    def path(self) -> pathlib.Path:
        """`OUTPUT_DIR/PAPERKEY/STUDY`."""
        return self.output_dir / self.study_name

    @property
    def figure_path(self) -> pathlib.Path:
        """Where the picture lies."""
        return self.path / "figure.png"

    def check(
        self,
        scale: str,
        runs: Sequence[config.RunConfig],
        measurements: Sequence[measurement.Measurement] = (),
        force: bool = False,
    ) -> None:
        """Checks that the folder may be claimed, without writing anything.

        A folder may grow (more seeds of the same scale), never shrink or change.

        Args:
          scale: of the study.
          runs: that it is going to be made from.
          measurements: likewise.
          force: allows to replace a folder of another configuration.

        Raises:
          UserError: the folder holds another configuration or a newer version.
        """
        if not (self.path / "config.json").exists():
            return
        old = self.read_config()
        kept = {*old["runs"], *old.get("measurements", ())}
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
        """Writes `config.json`, after `check` of the same arguments.

        Raises:
          UserError: as `check`, or the folder cannot be written.
        """
        self.check(scale, runs, measurements, force)
        values = {
            "version": FORMAT_VERSION,
            "study": self.study_name,
            "scale": scale,
            "versions": provenance.versions(),
            "runs": list(dict.fromkeys(run.key for run in runs)),
            "measurements": list(dict.fromkeys(entry.key for entry in measurements)),
        }
        self._write("config.json", json.dumps(values, indent=1) + "\n")

    def read_config(self) -> dict[str, Any]:
        """Returns what `claim_for` wrote.

        Raises:
          UserError: the file is damaged or of a newer version.
        """
        path = self.path / "config.json"
        try:
            values = json.loads(path.read_text())
            newer = values["version"] > FORMAT_VERSION
            complete = {"study", "scale", "runs"} <= set(values)
        except (ValueError, KeyError, TypeError, OSError):
            complete, newer = False, False
        if newer:
            raise errors.UserError(
                "output_dir",
                str(self.output_dir),
                f"{self.study_name} was written by a newer version of bsgen "
                f"(format {values['version']}, this one reads {FORMAT_VERSION}); "
                "upgrade bsgen or choose another folder",
            )
        if not complete:
            raise errors.UserError(
                "output_dir",
                str(self.output_dir),
                f"{path} is damaged; delete that file, the finished runs are kept",
            )
        return values

    def write_results(
        self, results: study.Results, judged: Sequence[claims.Claim]
    ) -> None:
        """Writes the tables and the verdicts."""
        self._write("runs.csv", results.runs.to_csv(index=False))
        self._write("curves.csv", results.curves.to_csv(index=False))
        if len(results.measurements):
            csv = results.measurements.to_csv(index=False)
            self._write("measurements.csv", csv)
        values = [claim.to_dict() for claim in judged]
        text = json.dumps(values, indent=1, allow_nan=False, ensure_ascii=False)
        self._write("claims.json", text + "\n")

    def read_results(self) -> study.Results:
        """Returns the tables that `write_results` wrote."""
        return study.Results(
            self._read_table("runs"),
            self._read_table("curves"),
            self._read_table("measurements"),
        )

    def read_claims(self) -> list[claims.Claim]:
        """Returns the verdicts that `write_results` wrote."""
        values = json.loads((self.path / "claims.json").read_text())
        return [
            claims.Claim(**{**value, "interval": tuple(value["interval"])})
            for value in values
        ]

    def is_finished(self) -> bool:
        """Whether the study has its tables and verdicts."""
        return (self.path / "claims.json").exists()

    def _read_table(self, name: str) -> pd.DataFrame:
        path = self.path / f"{name}.csv"
        if name == "measurements" and not path.exists():
            return pd.DataFrame()
        if path.stat().st_size <= 1:
            return pd.DataFrame()
        # Keys are hexadecimal: "1234e5" must stay a text.
        return pd.read_csv(path, dtype={"key": str})

    def _write(self, name: str, text: str) -> None:
        atomic.write(self.path / name, text.encode())
