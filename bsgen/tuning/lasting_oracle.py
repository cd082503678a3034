"""What keras-tuner's oracles need to outlive a chief that is killed and started again.

keras-tuner's own would train anew, on any worker, each trial that was running when the
chief was killed, while its worker still trains it and will report it; and a kill in the
middle of its writing leaves half a file, or a trial that nobody was given. Ours also
gives a trial in which the user's code raised another chance with every start.
"""

import json
import os
import time
from collections.abc import Mapping
from typing import Any

import keras_tuner

from bsgen.tuning import roles, trials

IDENTITY = "search"  # The name of the value that says which search this is.
# After this time a worker that has not come back loses its trial to another one: our
# choice, some times what a worker takes to start. If it does come back, the first of
# the two that reports counts, and both report the same.
_ABSENCE_SECONDS = 60.0


class LastingOracle(keras_tuner.Oracle):
    """Base of oracles whose search goes on exactly after a kill at any moment.

    Stands before keras-tuner's class among the bases.

    Attributes:
      identity: versions and description of the search, of JSON's types; workers
        compare it with theirs.
    """

    identity: Mapping[str, Any] = {}
    trials: dict[str, keras_tuner.engine.trial.Trial]  # of keras-tuner, as the next
    end_order: list[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Workers that train since before the chief was started again.
        self._unheard: set[str] = set()
        self._begun = time.monotonic()

    def get_space(self) -> keras_tuner.HyperParameters:
        """Returns the space; among its values is which search this is."""
        space = super().get_space()
        space.values[IDENTITY] = json.dumps(self.identity)
        return space

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> keras_tuner.engine.trial.Trial:
        """Hands out a trial; keras-tuner calls this."""
        self._unheard.discard(tuner_id)
        trial = super().create_trial(tuner_id)
        if trial.status == "RUNNING" or not self._unheard:
            return trial
        self.tuner_ids.add(tuner_id)  # it is not to stop yet
        if time.monotonic() - self._begun < _ABSENCE_SECONDS:
            trial.status = "IDLE"
            return trial
        absent = self._unheard.pop()
        self.tuner_ids.discard(absent)
        self.ongoing_trials[tuner_id] = self.ongoing_trials.pop(absent)
        self.save()
        return self.ongoing_trials[tuner_id]

    @keras_tuner.synchronized
    def end_trial(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Takes the end of a trial, once; keras-tuner calls this."""
        if trial.trial_id in self.end_order:
            return  # reported again, as its chief was killed while it answered
        super().end_trial(trial)
        self._unheard &= self.ongoing_trials.keys()
        self.save()  # keras-tuner saves before it has done the last of it

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes the state of a search that goes on; keras-tuner calls this."""
        # One that was written, but not handed out: it will be created again.
        begun = set(state["start_order"])
        self.trials = {name: self.trials[name] for name in self.trials if name in begun}
        super().set_state(state)
        self._before = dict(self.ongoing_trials)

    def reload(self) -> None:
        """Reads a search that goes on; keras-tuner calls this."""
        super().reload()
        for worker, trial in self._before.items():
            if trial.status in ("COMPLETED", "FAILED"):  # its end was cut short
                self._retry_queue.remove(trial.trial_id)
                self.end_order = [i for i in self.end_order if i != trial.trial_id]
                self.end_trial(trial)
            elif roles.role() == "chief":
                self._retry_queue.remove(trial.trial_id)
                self.ongoing_trials[worker] = trial
                self.tuner_ids.add(worker)
        self._unheard = set(self.ongoing_trials)
        self._retry_failed()

    def _retry_failed(self) -> None:
        """Lets trials in which the user's code raised be trained again."""
        again = []
        for trial_id in self.end_order:
            trial = self.trials[trial_id]
            outcome = trials.to_outcome(trial)
            # None: a kill came between the next two writings.
            if outcome is None or outcome.status == "failed":
                again.append(trial_id)
                trial.status = "INVALID"
                trial.metrics = type(trial.metrics)()
                self._save_trial(trial)
        if again:
            self.end_order = [i for i in self.end_order if i not in again]
            self._retry_queue += reversed(again)  # its last one is the next
            self.save()

    def save(self) -> None:
        """Writes the oracle's state; keras-tuner calls this."""
        write(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial: keras_tuner.engine.trial.Trial) -> None:
        folder = self._get_trial_dir(trial.trial_id)
        write(os.path.join(folder, "trial.json"), trial.get_state())


def write(path: str, values: Any) -> None:
    """Writes JSON: a process killed meanwhile leaves the old file or the new one.

    Unlike `bsgen.atomic` it does not wait for the disk, several times a trial.
    """
    temporary = f"{path}.new"
    with open(temporary, "w") as file:
        json.dump(values, file)
    os.replace(temporary, path)
