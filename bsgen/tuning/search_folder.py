"""The folder of a search: its description, its trials and its result.

`search.json` says which search it is, `guided.json` what was measured for a guided one,
`trials/` belongs to keras-tuner. `trials.csv` has a row a trial, with the phase and the
reason of the procedure: `value` is the mean of the metric, `score` the same or its
negative, whichever is maximized, and `share` how much of a run was trained.
`decisions.json` has every decision with its reason, and `recommendation.json` the
result.
"""

import dataclasses
import json
import logging
import math
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bsgen import errors
from bsgen.files import atomic, folder_lock, sealed_json, strict_json
from bsgen.tuning import older_searches, recommended_run
from bsgen.tuning.procedures import outcomes, recommendations, replay, settings

_SEARCH, _RECOMMENDATION = recommended_run.SEARCH, recommended_run.RECOMMENDATION
_TRIALS, _DECISIONS = "trials.csv", "decisions.json"
# Files that show what a folder without search.json belongs to.
_OTHERS = {
    "trials": f"trials, but no {_SEARCH}",
    "metrics.jsonl": "a training run",
    "summary.json": "a training run",
    "runs.jsonl": "a reproduction",
    "runs.csv": "a study",
    "claims.json": "a study",
    "config.json": "something else than a search",
}
_LOGGER = logging.getLogger(__name__)


class SearchFolder:
    """The files of one search, which one process at a time may claim.

    Leaving a `with` ends the claim. Workers of a distributed search make none.
    """

    def __init__(
        self, path: str | os.PathLike, warn: Callable[[str], None] = _LOGGER.warning
    ):
        """Names the folder; touches nothing.

        Args:
          path: of the folder.
          warn: called with one line for each damaged file that is made again.
        """
        self.path = pathlib.Path(path)
        self._warn = warn
        self._lock = folder_lock.FolderLock(self.path)
        self._is_claimed = False

    def __enter__(self) -> "SearchFolder":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def claim(self, description: Mapping[str, Any]) -> None:
        """Claims the folder for a search, new or to be continued.

        The same search may claim it again.

        Args:
          description: of the search, as JSON types: equal for equal searches.

        Raises:
          UserError: another process searches there, it holds another search or
            something else, it is damaged, or it cannot be written.
        """
        if not (self.path / _SEARCH).exists():
            self._refuse_others()
        if not self._is_claimed:
            self._lock.take()
        try:
            self._describe(json.loads(json.dumps(description)))
        except BaseException:
            self.close()
            raise
        self._is_claimed = True

    def close(self) -> None:
        """Lets another process claim the folder."""
        self._lock.release()
        self._is_claimed = False

    def keep(self, name: str, make: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Returns the contents of a file, after writing it if necessary.

        Args:
          name: of the file.
          make: returns its contents, as JSON types; called if the file is missing, or
            damaged, with a warning.

        Raises:
          UserError: the folder cannot be written.
        """
        try:
            found = sealed_json.read(self.path / name, unsealed=())
            if found is not None:
                return found
        except sealed_json.Damaged as error:
            self._warn(f"{self.path / name} is damaged ({error}): it is made again")
        return sealed_json.write_state(self.path / name, make())

    def write(
        self,
        trials: Sequence[tuple[settings.Request, outcomes.Outcome]],
        decisions: Sequence[replay.Decision] = (),
        recommendation: recommendations.Recommendation | None = None,
        lower_is_better: bool = False,
    ) -> pd.DataFrame:
        """Writes the result of a search; returns the table of trials.

        Args:
          trials: those that ended.
          decisions: of a procedure; other oracles have none.
          recommendation: if there is one.
          lower_is_better: whether scores are the metric with its sign reversed.

        Raises:
          UserError: the folder cannot be written.
        """
        rows = [_row(request, outcome, lower_is_better) for request, outcome in trials]
        table = pd.DataFrame(rows).astype({"phase": "Int64"})
        atomic.write(self.path / _TRIALS, table.to_csv(index=False).encode())
        self._write(_DECISIONS, [dataclasses.asdict(each) for each in decisions])
        if recommendation is None:  # an earlier one no longer holds
            (self.path / _RECOMMENDATION).unlink(missing_ok=True)
        else:
            self._write(_RECOMMENDATION, recommendation.to_dict())
        return table

    def _describe(self, wanted: dict[str, Any]) -> None:
        """Writes the description of the search, or compares it with the folder's."""
        try:
            found = sealed_json.read(self.path / _SEARCH)
        except sealed_json.Damaged as error:
            raise self._error(f"its {_SEARCH} is damaged ({error})") from error
        if found is None:
            sealed_json.write_state(self.path / _SEARCH, wanted)
            return
        if older_searches.is_older(found, wanted):
            found = older_searches.as_today(found, wanted)
            if not self._is_claimed:
                self._warn(f"{self.path} {older_searches.words(wanted)}")
        names = sorted({*found, *wanted})
        differing = [name for name in names if found.get(name) != wanted.get(name)]
        if differing:
            raise self._error(f"holds another search: {', '.join(differing)} differ")

    def _refuse_others(self) -> None:
        """Refuses a folder that belongs to something other than a search."""
        for name, owner in _OTHERS.items():
            if any(self.path.glob(name)):
                raise self._error(f"holds {owner} ({name})")

    def _write(self, name: str, values: Any) -> None:
        atomic.write(self.path / name, strict_json.to_bytes(values))

    def _error(self, reason: str) -> errors.UserError:
        remedy = f"{reason}; choose another folder"
        return errors.UserError("output_dir", str(self.path), remedy)


def _row(
    request: settings.Request, outcome: outcomes.Outcome, lower_is_better: bool
) -> dict[str, Any]:
    """Returns a trial as a row, with NaN for the made-up scores of divergence."""
    setting = request.setting
    numbers = dataclasses.asdict(setting)
    scores = outcome.of(request.repeats)
    if outcome.status == "diverged":
        scores = np.where(scores == scores.min(), np.nan, scores)
    mean = float(np.mean(scores)) if len(scores) else math.nan
    return {
        "phase": request.phase,
        "batch_size": setting.batch_size,
        "learning_rate": numbers.get("learning_rate"),
        "momentum": numbers.get("momentum"),
        "optimizer": numbers.get("optimizer", "Momentum"),
        "repeats": " ".join(map(str, request.repeats)),
        "status": outcome.status,
        "value": -mean if lower_is_better else mean,
        "score": mean,
        "standard_error": outcomes.standard_error(scores),
        "scores": " ".join(f"{score:.6g}" for score in scores),
        "num_steps": outcome.num_steps,
        "num_examples": outcome.num_examples,
        "seconds": round(outcome.seconds, 3),
        "reason": request.reason,
        "share": numbers.get("share", 1.0),
    }
