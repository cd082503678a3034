"""The files of keras-tuner's oracle: written atomically, checked when they are read.

`oracle.json` holds the state of a search, `oracle_before.json` the state before it, and
`trial_ID/trial.json` one trial, with the names and contents of keras-tuner 1.4.8 and a
checksum. A damaged file is skipped, with a warning of one line.
"""

import pathlib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import keras_tuner

from bsgen.files import atomic, sealed_json
from bsgen.tuning.keras_tuner_adapter import trials

_STATE, _BEFORE, _TRIAL = "oracle.json", "oracle_before.json", "trial.json"


class OracleFiles:
    """The files of one oracle.

    Attributes:
      warn: called with one line for each damaged file.
    """

    def __init__(self, folder: pathlib.Path, warn: Callable[[str], None]):
        """Names the folder; touches nothing."""
        self._folder = folder
        self._warn = warn
        self._written: bytes | None = None  # in `oracle.json`

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Writes a state, and keeps the one before; does nothing if none has changed.

        Raises:
          UserError: the folder cannot be written.
        """
        content = sealed_json.dumps(state).encode()
        if content == self._written:
            return
        if self._written is not None:
            # It is behind the trials by one change at most, just like what a kill
            # between two writings leaves; `ResumableOracle` continues from that.
            atomic.write(self._folder / _BEFORE, self._written)
        atomic.write(self._folder / _STATE, content)
        self._written = content

    def read_states(self, entries: Collection[str]) -> list[dict[str, Any]]:
        """Returns the undamaged states, the newest first.

        Args:
          entries: what a state of this oracle holds.
        """
        found = []
        for name in (_STATE, _BEFORE):
            atomic.remove_stale(self._folder, name)
            path = self._folder / name
            try:
                state = sealed_json.read(path, entries)
            except sealed_json.Damaged as error:
                self._warn(f"{path} is damaged ({error}): the search continues without")
            else:
                found += [] if state is None else [state]
        return found

    def write_trial(self, trial: trials.Trial) -> None:
        """Writes a trial.

        Raises:
          UserError: the folder cannot be written.
        """
        content = sealed_json.dumps(trial.get_state()).encode()
        atomic.write(self._trial_path(trial.trial_id), content)

    def read_trials(
        self, names: Iterable[str] | None = None
    ) -> dict[str, trials.Trial]:
        """Returns the undamaged trials by their names.

        Args:
          names: of the trials to read; None for all that there are.
        """
        if names is None:
            paths = sorted(self._folder.glob(f"trial_*/{_TRIAL}"))
        else:
            paths = [self._trial_path(name) for name in names]
        found = {}
        for path in paths:
            atomic.remove_stale(path.parent, _TRIAL)
            try:
                trial = _read_trial(path)
            except sealed_json.Damaged as error:
                self._warn(f"{path} is damaged ({error}): its trial is trained again")
                continue
            if trial is None:
                self._warn(f"{path} is gone: its trial is trained again")
            else:
                found[trial.trial_id] = trial
        return found

    def _trial_path(self, name: str) -> pathlib.Path:
        return self._folder / f"trial_{name}" / _TRIAL


def _read_trial(path: pathlib.Path) -> trials.Trial | None:
    entries = trials.Trial(keras_tuner.HyperParameters()).get_state()
    values = sealed_json.read(path, entries)
    if values is None:
        return None
    try:
        trial = trials.Trial.from_state(values)
        trials.to_request(trial.hyperparameters.values, num_repeats=1)
        trials.to_outcome(trial)
    except Exception as error:  # noqa: BLE001, keras-tuner itself checks nothing
        raise sealed_json.Damaged("it is not a trial") from error
    if path.parent.name != f"trial_{trial.trial_id}":
        raise sealed_json.Damaged("it is another trial's")
    return trial
