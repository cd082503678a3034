"""The tuner of keras-tuner that trains settings in repeats, with any oracle."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import keras_tuner

from bsgen import errors, interrupts
from bsgen.tuning.keras_tuner_adapter import (
    chief_client,
    chief_server,
    process_role,
    resumable_oracle,
    trials,
    undocumented,
)
from bsgen.tuning.procedures import outcomes, settings
from bsgen.tuning.trainers import protocol

Oracle: TypeAlias = keras_tuner.Oracle
OnOutcome: TypeAlias = Callable[[settings.Trainable, outcomes.Outcome], None]
MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
_IDLE_SECONDS = 0.1
_LOGGER = logging.getLogger(__name__)


class SettingTuner(undocumented.Tuner):
    """Runs trials by a trainer; whatever goes wrong in a trial is its result.

    A repeat that diverges, a setting that does not fit in memory and a trial in which
    the user's code raises (its traceback is printed) are completed trials with a finite
    score, so they never end a search. In several processes keras-tuner's chief hands
    out the trials: see its guide to distributed tuning, or `launch.tune`.

    Args:
      oracle: `BatchSizeHeuristic`, or any other with `trials.objective()` over
        `search_space`.
      trainer: trains settings.
      directory: where keras-tuner keeps the trials, in `directory/trials`.
      num_repeats, on_outcome, warn: see `bsgen.tuning.run_search`.
      identity: of the search, as JSON types; a worker whose identity differs from its
        chief's ends with a `UserError` before it trains.

    Raises:
      UserError: the directory is too damaged for the search to continue.
    """

    def __init__(
        self,
        oracle: Oracle,
        trainer: protocol.Trainer,
        directory: str | os.PathLike,
        num_repeats: int = 1,
        on_outcome: OnOutcome | None = None,
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
        warnings: list[str] = []
        oracle.warn = warnings.append
        try:
            # keras-tuner prints that it reloads; our warnings must not get lost there.
            with contextlib.redirect_stdout(io.StringIO()):
                super().__init__(
                    oracle, directory=str(directory), project_name="trials"
                )
        finally:
            oracle.warn = warn
            for line in warnings:
                warn(line)
        if self.is_worker:
            self.oracle = chief_client.ChiefClient(oracle)

    def search(self, *args: Any, **kwargs: Any) -> None:
        """Searches to the end; in a chief, answers the workers until then."""
        if process_role.role() != "chief":
            super().search(*args, **kwargs)
            return
        self.save()
        chief_server.serve(self.oracle, process_role.chief())

    def run_trial(
        self, trial: trials.Trial, *args: Any, **kwargs: Any
    ) -> dict[str, float]:
        """Trains the trial's setting; keras-tuner calls this."""
        values = trial.hyperparameters.values
        request = trials.to_request(values, self._num_repeats)
        outcome = self._train(request, values)
        self._finished = request.setting, outcome
        return trials.to_metrics(outcome, self._trainer.worst_score)

    def run_and_report(self, trial: trials.Trial, *args: Any, **kwargs: Any) -> None:
        """Runs a trial and reports it; keras-tuner calls this.

        Unlike keras-tuner it does not mistake an absent chief for a failed trial.
        """
        metrics = self.run_trial(trial, *args, **kwargs)
        self.oracle.update_trial(trial.trial_id, metrics)
        trial.status = "COMPLETED"

    def on_trial_end(self, trial: trials.Trial) -> None:
        """Passes on a trial's outcome once it is saved; keras-tuner calls this."""
        super().on_trial_end(trial)
        if self._finished is not None and self._on_outcome is not None:
            self._on_outcome(*self._finished)

    def on_search_begin(self) -> None:
        """Compares a worker with its chief; keras-tuner calls this."""
        if self.is_worker:
            self.oracle.check(self._identity)

    def save(self) -> None:
        """Saves what a search continues from; keras-tuner calls this."""
        if not self.is_worker:
            self.oracle.save()

    def reload(self) -> None:
        """Reads what a search continues from; keras-tuner calls this."""
        if self.is_worker:
            return
        if isinstance(self.oracle, resumable_oracle.ResumableOracle):
            self.oracle.reload()
        elif (self.folder / "oracle.json").exists():
            self._reload_plain()

    def _reload_plain(self) -> None:
        try:
            self.oracle.reload()
        except Exception as error:  # keras-tuner's own, which checks nothing
            remedy = "keras-tuner cannot read its search there; choose another folder"
            raise errors.UserError("output_dir", str(self.directory), remedy) from error

    def pre_create_trial(self) -> None:
        """Raises a lost Ctrl-C, and lets a worker pause; keras-tuner calls this."""
        interrupts.check()
        if self.is_worker:
            time.sleep(_IDLE_SECONDS)

    def _train(
        self, request: settings.Request, values: Mapping[str, Any]
    ) -> outcomes.Outcome:
        begun = time.perf_counter()
        status: Literal["failed", "refused"] = "failed"
        try:
            # Hyperband has a budget of its own.
            return protocol.train(self._trainer, request, values.get("tuner/epochs"))
        except errors.UserError as error:  # such as a batch that ghosts do not divide
            interrupts.check()  # this may be what became of a Ctrl-C
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
    momenta: tuple[float, ...] = MOMENTA,
) -> keras_tuner.HyperParameters:
    """Returns the three numbers as hyperparameters, for keras-tuner's own oracles.

    Args:
      batch_sizes: to choose from.
      learning_rates: the smallest and the largest, on a logarithmic scale.
      momenta: to choose from.
    """
    space = keras_tuner.HyperParameters()
    space.Choice("batch_size", list(batch_sizes))
    least, largest = learning_rates
    space.Float("learning_rate", least, largest, sampling="log")
    space.Choice("momentum", list(momenta))
    return space
