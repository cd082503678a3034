"""What keras-tuner's oracles need to survive a chief that is killed and started again.

keras-tuner's own would train every trial that was running at that moment again, on any
worker, while its first worker still trains it and will report it. A kill while it
writes leaves half a file, or a trial that no worker was given. Ours also retries the
trials in which the user's code raised, whenever the search is started again.
"""

import functools
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras_tuner

from bsgen import errors
from bsgen.tuning.keras_tuner_adapter import (
    oracle_files,
    process_role,
    trials,
    undocumented,
)

IDENTITY = "search"  # Name of the value that says which search this is.
_VALUES = "values"  # our entry of the state: the values of each trial
# A worker that has not come back by then loses its trial to another one. Our choice:
# several times what a worker takes to start. If it does come back, the first report of
# the two counts; both say the same.
_ABSENCE_SECONDS = 60.0


class ResumableOracle(undocumented.Oracle):
    """Base of oracles whose search continues exactly after a kill at any moment.

    Stands before keras-tuner's class among the bases.

    Attributes:
      identity: versions and description of the search, as JSON types; workers compare
        it with theirs.
      warn: called with one line for each damaged file that the search does without.
    """

    identity: Mapping[str, Any] = {}
    warn: Callable[[str], None] = logging.getLogger(__name__).warning

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Workers with a trial from before the restart that have not called since.
        self._unheard: set[str] = set()
        self._begun = time.monotonic()

    def get_space(self) -> keras_tuner.HyperParameters:
        """Returns the space, with the search's identity among its values."""
        space = super().get_space()
        space.values[IDENTITY] = json.dumps(self.identity)
        return space

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> trials.Trial:
        """Hands out a trial; keras-tuner calls this."""
        self._unheard.discard(tuner_id)
        trial = super().create_trial(tuner_id)
        if trial.status == "RUNNING" or not self._unheard:
            return trial
        self.tuner_ids.add(tuner_id)  # it must not stop yet
        if time.monotonic() - self._begun < _ABSENCE_SECONDS:
            trial.status = "IDLE"
            return trial
        absent = self._unheard.pop()
        self.tuner_ids.discard(absent)
        self.ongoing_trials[tuner_id] = self.ongoing_trials.pop(absent)
        self.save()
        return self.ongoing_trials[tuner_id]

    @keras_tuner.synchronized
    def end_trial(self, trial: trials.Trial) -> None:
        """Ends a trial, once; keras-tuner calls this."""
        if trial.trial_id in self.end_order:
            return  # reported again, as the chief was killed while it answered
        super().end_trial(trial)
        self._unheard &= self.ongoing_trials.keys()
        self.save()  # keras-tuner's last save came before its last change

    def get_state(self) -> dict[str, Any]:
        """Returns the state to write; keras-tuner calls this.

        Besides keras-tuner's entries it holds the values of all trials, with which a
        trial is trained again if its file is damaged.
        """
        values = {
            name: each.hyperparameters.values for name, each in self.trials.items()
        }
        return {**super().get_state(), _VALUES: values}

    def reload(self) -> None:
        """Reads a search to continue, without its damaged files; keras-tuner calls it.

        Raises:
          UserError: the files that are left do not say how far the search has come.
        """
        states = self._files.read_states(self.get_state())
        if not states:
            # There are trials without a state if the first one was never handed out.
            found = self._files.read_trials().values()
            if any(trials.to_outcome(trial) for trial in found):
                raise self._error("the state of its search, oracle.json, is lost")
            return
        try:
            self._restore(states[0])
        except errors.UserError:
            raise
        except Exception as error:  # only of a file without a checksum
            raise self._error("its oracle.json is damaged") from error
        self._retry_failed()

    def _restore(self, state: dict[str, Any]) -> None:
        # A trial that was written but not handed out is not among these; it will be
        # created again.
        found = self._files.read_trials(state["start_order"])
        self.trials = {
            name: found.get(name) or self._lost(name, state)
            for name in state["start_order"]
        }
        self.set_state(state)
        before, self.ongoing_trials = self.ongoing_trials, {}
        for worker, trial in before.items():
            if trial.status in ("COMPLETED", "FAILED"):  # its end was cut short
                self.end_order = [i for i in self.end_order if i != trial.trial_id]
                self.end_trial(trial)
            elif process_role.role() == "chief":
                self.ongoing_trials[worker] = trial
                self.tuner_ids.add(worker)
            else:
                self.retry_queue.append(trial.trial_id)
        self._unheard = set(self.ongoing_trials)

    def _lost(self, name: str, state: dict[str, Any]) -> trials.Trial:
        """Returns a trial whose file is lost, to be trained again."""
        values = state.get(_VALUES, {}).get(name)
        if values is None:  # written by an earlier version
            raise self._error(f"what its trial {name} is to train is lost")
        space = keras_tuner.HyperParameters.from_config(state["hyperparameters"])
        space.values = values
        return trials.Trial(space, name, "RUNNING")

    def _retry_failed(self) -> None:
        """Queues the trials in which the user's code raised, to be trained again."""
        again = []
        for trial_id in self.end_order:
            trial = self.trials[trial_id]
            outcome = trials.to_outcome(trial)
            # None: a kill came between the next two writings.
            if outcome is None or outcome.status == "failed":
                again.append(trial_id)
                trial.status = "INVALID"
                trial.metrics = type(trial.metrics)()
                self.save_trial(trial)
        if again:
            self.end_order = [i for i in self.end_order if i not in again]
            self.retry_queue.extend(reversed(again))
            self.save()

    def save(self) -> None:
        """Writes the oracle's state; keras-tuner calls this."""
        self._files.write_state(self.get_state())

    def save_trial(self, trial: trials.Trial) -> None:
        """Writes a trial; keras-tuner calls this."""
        self._files.write_trial(trial)

    @functools.cached_property
    def _files(self) -> oracle_files.OracleFiles:
        return oracle_files.OracleFiles(self.folder, lambda line: self.warn(line))

    def _error(self, reason: str) -> errors.UserError:
        remedy = f"{reason}; choose another folder"
        return errors.UserError("output_dir", self.output_dir, remedy)
