"""The tuner of keras-tuner that trains settings in repeats, with any oracle."""

import contextlib
import io
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Literal

import keras_tuner

from bsgen import errors, interrupts
from bsgen.tuning.keras_tuner_adapter import (
    chief_client,
    chief_server,
    process_role,
    resumable_oracle,
    trials,
)
from bsgen.tuning.procedures import outcomes, settings
from bsgen.tuning.trainers import protocol

_IDLE_SECONDS = 0.1
_LOGGER = logging.getLogger(__name__)


class SettingTuner(keras_tuner.engine.base_tuner.BaseTuner):
    """Runs trials by a trainer; what goes wrong in one is its result.

    A repeat that diverges, a setting that does not fit in memory and a trial in which
    the user's code raises (its traceback is printed) are completed trials with a finite
    score, so they never end a search. In several processes keras-tuner's chief hands
    out the trials: see its guide on distributed tuning, or `launch.tune`.

    Args:
      oracle: `BatchSizeHeuristic`, or any other with `trials.objective()` over
        `search_space`.
      trainer: trains settings.
      directory: where keras-tuner keeps the trials, in `directory/trials`.
      num_repeats: of a trial whose oracle does not say.
      on_outcome: called with each setting and its outcome, once they are saved.
      identity: of the search, of JSON's types; a worker with another one than its
        chief's ends with a `UserError` before it trains.
      warn: is given one line for each damaged file that the search goes on without.

    Raises:
      UserError: so much in the directory is damaged that the search cannot go on.
    """

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        trainer: protocol.Trainer,
        directory: str | os.PathLike,
        num_repeats: int = 1,
        on_outcome: Callable[
            [settings.Trainable, outcomes.Outcome], None
        ] = lambda setting, outcome: None,
        identity: Mapping[str, Any] | None = None,
        warn: Callable[[str], None] = _LOGGER.warning,
    ):
        self._trainer = trainer
        self._num_repeats = errors.check_integer("num_repeats", num_repeats, 1)
        self._on_outcome = on_outcome
        self._finished: tuple[settings.Trainable, outcomes.Outcome] | None = None
        self._identity = identity or {}
        oracle.identity = self._identity
        oracle.verbose = 0  # already while it reloads
        told: list[str] = []
        oracle.warn = told.append
        try:
            # It prints that it reloads; our own lines are not to be lost with that.
            with contextlib.redirect_stdout(io.StringIO()):
                super().__init__(
                    oracle, directory=str(directory), project_name="trials"
                )
        finally:
            oracle.warn = warn
            for line in told:
                warn(line)
        if self._is_worker():
            self.oracle = chief_client.ChiefClient(oracle)

    def search(self, *args: Any, **kwargs: Any) -> None:
        """Searches to the end; in a chief, answers the workers until then."""
        if process_role.role() != "chief":
            super().search(*args, **kwargs)
            return
        self.save()
        chief_server.serve(self.oracle, process_role.chief())

    def run_trial(
        self, trial: keras_tuner.engine.trial.Trial, *args: Any, **kwargs: Any
    ) -> dict[str, float]:
        """Trains the trial's setting; keras-tuner calls this."""
        values = trial.hyperparameters.values
        request = trials.to_request(values, self._num_repeats)
        outcome = self._train(request, values)
        self._finished = request.setting, outcome
        return trials.to_metrics(outcome, self._trainer.worst_score)

    def on_trial_end(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Tells a trial's outcome when it has been saved; keras-tuner calls this."""
        super().on_trial_end(trial)
        if self._finished is not None:
            self._on_outcome(*self._finished)

    def on_search_begin(self) -> None:
        """Compares a worker with its chief; keras-tuner calls this."""
        if self._is_worker():
            self.oracle.check(self._identity)

    def save(self) -> None:
        """Saves what a search goes on from; keras-tuner calls this."""
        if not self._is_worker():
            self.oracle.save()

    def reload(self) -> None:
        """Reads what a search goes on from; keras-tuner calls this."""
        if self._is_worker():
            return
        if isinstance(self.oracle, resumable_oracle.ResumableOracle):
            self.oracle.reload()
        elif os.path.exists(os.path.join(self._get_tuner_fname(), "oracle.json")):
            self._reload_plain()

    def _reload_plain(self) -> None:
        try:
            self.oracle.reload()
        except Exception as error:  # of keras-tuner's own, which checks nothing
            remedy = "keras-tuner cannot read its search there; choose another folder"
            raise errors.UserError("output_dir", str(self.directory), remedy) from error

    def pre_create_trial(self) -> None:
        """Lets Ctrl-C act, and a worker wait, as keras-tuner asks without a pause."""
        interrupts.check()
        if self._is_worker():
            time.sleep(_IDLE_SECONDS)

    def _get_tuner_fname(self) -> str:
        # keras-tuner reloads the search if this exists: the folder, as no single file
        # may be missing. The tuner has no state beside the oracle's.
        return os.path.join(self.directory, self.project_name)

    def _try_run_and_update_trial(
        self, trial: keras_tuner.engine.trial.Trial, *args: Any, **kwargs: Any
    ) -> None:
        # keras-tuner would take a chief that is away for a trial that failed.
        metrics = self.run_trial(trial, *args, **kwargs)
        self.oracle.update_trial(trial.trial_id, metrics)
        trial.status = "COMPLETED"

    def _train(
        self, request: settings.Request, values: Mapping[str, Any]
    ) -> outcomes.Outcome:
        begun = time.perf_counter()
        status: Literal["failed", "refused"] = "failed"
        try:
            # Hyperband has a budget of its own.
            return protocol.train(self._trainer, request, values.get("tuner/epochs"))
        except errors.UserError as error:  # such as a batch that ghosts do not divide
            interrupts.check()  # this may be all that was left of one
            status = "refused"
            print(f"{request.setting.words()}: {error}", file=sys.stderr)
        except Exception:  # noqa: BLE001, the user's code may raise anything
            interrupts.check()
            traceback.print_exc()
        seconds = time.perf_counter() - begun
        return outcomes.Outcome({}, status, seconds=seconds)


def search_space(
    batch_sizes: tuple[int, ...],
    learning_rates: tuple[float, float],
    momenta: tuple[float, ...] = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99),
) -> keras_tuner.HyperParameters:
    """Returns the three numbers as hyperparameters, for keras-tuner's own oracles.

    Args:
      batch_sizes: to choose from.
      learning_rates: the least and the largest, on a logarithmic scale.
      momenta: to choose from.
    """
    space = keras_tuner.HyperParameters()
    space.Choice("batch_size", list(batch_sizes))
    least, largest = learning_rates
    space.Float("learning_rate", least, largest, sampling="log")
    space.Choice("momentum", list(momenta))
    return space
