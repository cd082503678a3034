"""The folder of a search: what is searched, its trials, and what came out.

`search.json` says which search it is, `guided.json` what was measured for a guided one,
`trials/` is keras-tuner's. `trials.csv` has a row a trial, `decisions.json` every
decision with its reason, and `recommendation.json` the end.
"""

import dataclasses
import json
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from bsgen import atomic, errors
from bsgen.tuning import outcomes, plans, recommendations, settings

_SEARCH, _TRIALS = "search.json", "trials.csv"
_DECISIONS, _RECOMMENDATION = "decisions.json", "recommendation.json"


class SearchFolder:
    """The files of one search."""

    def __init__(self, path: str | os.PathLike):
        """Names the folder; touches nothing."""
        self.path = pathlib.Path(path)

    def claim(self, description: Mapping[str, Any]) -> None:
        """Takes the folder for a search, or goes on with the same search.

        Args:
          description: of the search, of JSON's types: equal for equal searches.

        Raises:
          UserError: it holds another search, or cannot be written.
        """
        wanted = json.loads(json.dumps(description))
        path = self.path / _SEARCH
        if not path.exists():
            if (self.path / "trials").exists():
                raise self._error("holds trials, but no search.json")
            self._write(_SEARCH, wanted)
            return
        try:
            found = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise self._error(f"its {_SEARCH} cannot be read") from error
        if found != wanted:
            names = sorted({*found, *wanted})
            differing = [name for name in names if found.get(name) != wanted.get(name)]
            raise self._error(f"holds another search: {', '.join(differing)} differ")

    def keep(self, name: str, make: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Returns what a file of the folder holds; makes and writes it if it is new.

        Args:
          name: of the file.
          make: returns its contents, of JSON's types.

        Raises:
          UserError: the file cannot be read or written.
        """
        if not (self.path / name).exists():
            self._write(name, make())
        try:
            return json.loads((self.path / name).read_bytes())
        except (OSError, ValueError) as error:
            raise self._error(f"its {name} cannot be read") from error

    def write(
        self,
        trials: Sequence[tuple[settings.Request, outcomes.Outcome]],
        decisions: Sequence[plans.Decision] = (),
        recommendation: recommendations.Recommendation | None = None,
        num_repeats: int = 1,
    ) -> pd.DataFrame:
        """Writes what is known; returns the table of trials.

        Args:
          trials: those that ended.
          decisions: of a procedure; none of another oracle, whose trials have no phase.
          recommendation: at the end.
          num_repeats: of a setting in each phase.

        Raises:
          UserError: the folder cannot be written.
        """
        phases = [_phase(request, decisions, num_repeats) for request, _ in trials]
        rows = [
            {"phase": phase, **_row(*trial)}
            for phase, trial in zip(phases, trials, strict=True)
        ]
        table = pd.DataFrame(rows).astype({"phase": "Int64"})
        atomic.write(self.path / _TRIALS, table.to_csv(index=False).encode())
        self._write(
            _DECISIONS,
            [
                {"phase": each.phase, "text": each.text, "numbers": dict(each.numbers)}
                for each in decisions
            ],
        )
        if recommendation is not None:
            self._write(_RECOMMENDATION, recommendation.to_dict())
        return table

    def _write(self, name: str, values: Any) -> None:
        text = json.dumps(values, indent=1) + "\n"
        atomic.write(self.path / name, text.encode())

    def _error(self, reason: str) -> errors.UserError:
        remedy = f"{reason}; choose another folder"
        return errors.UserError("output_dir", str(self.path), remedy)


def _phase(
    request: settings.Request, decisions: Sequence[plans.Decision], num_repeats: int
) -> int | None:
    """Returns the phase that first asked for a request."""
    if not decisions:
        return None
    if max(request.repeats) < num_repeats:
        return 1
    # Phase 2 trains phase 1's choice again, and candidates.
    chosen = [each.numbers.get("best") for each in decisions if each.phase == 1][-1:]
    grown = [each.numbers.get("candidate") for each in decisions if each.phase == 2]
    setting = dataclasses.asdict(request.setting)
    return 2 if any(_holds(numbers, setting) for numbers in chosen + grown) else 3


def _holds(numbers: Mapping[str, Any] | None, setting: Mapping[str, Any]) -> bool:
    return numbers is not None and setting.items() <= dict(numbers).items()


def _row(request: settings.Request, outcome: outcomes.Outcome) -> dict[str, Any]:
    setting = request.setting
    scores = [outcome.scores[i] for i in request.repeats if i in outcome.scores]
    return {
        "batch_size": setting.batch_size,
        "learning_rate": setting.learning_rate,
        "momentum": setting.momentum,
        "repeats": " ".join(map(str, request.repeats)),
        "status": outcome.status,
        "score": outcome.mean,
        "standard_error": outcome.standard_error,
        "scores": " ".join(f"{score:.6g}" for score in scores),
        "num_steps": outcome.num_steps,
        "num_examples": outcome.num_examples,
        "seconds": round(outcome.seconds, 3),
    }
