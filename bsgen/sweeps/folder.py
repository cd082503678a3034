"""The folder of a sweep.

`sweep.json` has its plan, `runs.jsonl` the records of its finished runs. `sweep.csv`
(see `results.table`) and `sweep.png` are made from the two, at any time; and with a
protocol `optima.csv` and `rates.csv` (see `optima.Optima`).
"""

import logging
import os
import pathlib
from collections.abc import Callable, Collection

import pandas as pd

from bsgen import errors
from bsgen.figures import style
from bsgen.files import atomic, folder_lock, sealed_json
from bsgen.sweeps import figure, optima_figure, results
from bsgen.sweeps.plan import Plan
from bsgen.training import provenance, records

NAME = "sweep.json"
TABLE, PICTURE = "sweep.csv", "sweep.png"
OPTIMA, RATES = "optima.csv", "rates.csv"
FORMAT_VERSION = 1  # of sweep.json
_OTHERS = {
    "search.json": "a search",
    "metrics.jsonl": "a training run",
    "config.json": "a training run",
}
_LOGGER = logging.getLogger(__name__)


class SweepFolder:
    """The files of one sweep, which one process at a time may claim."""

    def __init__(self, path: str | os.PathLike):
        """Names the folder; touches nothing."""
        self.path = pathlib.Path(path)
        self._lock = folder_lock.FolderLock(self.path)

    def __enter__(self) -> "SweepFolder":
        self._lock.take()
        return self

    def __exit__(self, *exception: object) -> None:
        self._lock.release()

    def claim(self, wanted: Plan) -> None:
        """Writes the plan; that of a sweep in the folder may only grow.

        Raises:
          UserError: it holds something else, or another sweep, or one of a newer
            version, or a damaged one, or it cannot be written.
        """
        found = self.read()
        if found is None:
            for name, owner in _OTHERS.items():
                if (self.path / name).exists():
                    raise self._error(f"holds {owner} ({name}); choose another folder")
        else:
            kept, keys = set(found.keys), set(wanted.keys)
            if not kept <= keys:
                remedy = f"holds another sweep: {len(kept - keys):,} of its "
                remedy += f"{len(kept):,} runs are not among these {len(keys):,}; add "
                remedy += "values or seeds to it, or choose another folder"
                raise self._error(remedy)
        values = {"version": FORMAT_VERSION, "versions": provenance.versions()}
        sealed_json.write_state(self.path / NAME, {**values, **wanted.to_values()})

    def read(self) -> Plan | None:
        """Returns the plan of the sweep in the folder; None if there is none.

        Raises:
          UserError: it is damaged, or of a newer version.
        """
        try:
            values = sealed_json.read(self.path / NAME, (), FORMAT_VERSION)
            return None if values is None else Plan.from_values(values)
        except errors.UserError:
            raise
        except ValueError as error:
            remedy = f"{NAME} is damaged ({error}); delete that file, the finished "
            raise self._error(f"{remedy}runs are kept") from error

    def write(
        self, plan: Plan, store: records.RunStore, failed: Collection[str] = ()
    ) -> results.Summary:
        """Writes table and picture from the records.

        Args:
          plan: of the sweep.
          store: of the folder.
          failed: keys of runs that ended with an error.

        Raises:
          UserError: the folder cannot be written.
        """
        runs = results.table(plan, store, failed)
        summary = results.summarize(plan, runs)
        self._write_table(TABLE, runs.drop(columns="setting"))
        drawn = None
        if summary.optima:
            self._write_table(OPTIMA, summary.optima.table())
            self._write_table(RATES, summary.optima.rates())
            drawn = optima_figure.draw(summary.optima)
        elif summary.metrics:
            drawn = figure.draw(summary)
        if drawn:
            atomic.write(self.path / PICTURE, style.png(drawn))
        return summary

    def _write_table(self, name: str, table: pd.DataFrame) -> None:
        atomic.write(self.path / name, table.to_csv(index=False).encode())

    def _error(self, remedy: str) -> errors.UserError:
        return errors.UserError("output_dir", str(self.path), remedy)


def remake(
    path: str | os.PathLike, warn: Callable[[str], None] = _LOGGER.warning
) -> results.Summary:
    """Makes the table and the picture of a sweep again, without training.

    Args:
      path: of the folder.
      warn: called with one line for each oddity in the records that is no error.

    Returns:
      What the runs reached.

    Raises:
      UserError: the folder holds no sweep, or it is damaged, of a newer version, in
        use, or cannot be written.
    """
    folder = SweepFolder(path)
    plan = folder.read()
    if plan is None:
        remedy = "holds no sweep; launch.sweep makes one"
        raise errors.UserError("output_dir", str(path), remedy)
    with folder:
        return folder.write(plan, records.RunStore(path, warn))
