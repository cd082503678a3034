"""Every undocumented name of keras-tuner that this project uses, as seen in 1.4.8.

The other files of this folder use keras-tuner's documented names and what is defined
here. Few of these names would be needed if keras-tuner could continue a search whose
chief was killed, tell a worker that its chief is away, and say why it cannot listen.
"""

import functools
import pathlib
from typing import Any, TypeAlias

import grpc
import keras_tuner
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_chief, oracle_client

Trial: TypeAlias = keras_tuner.engine.trial.Trial
OracleClient = oracle_client.OracleClient  # with its attribute `stub`
OracleServicer = oracle_chief.OracleServicer  # with `oracle` and `stop_triggered`


class Tuner(keras_tuner.engine.base_tuner.BaseTuner):
    """A tuner whose private hooks have public names."""

    @property
    def is_worker(self) -> bool:
        """Whether a chief in another process hands out the trials."""
        return self._is_worker()

    @property
    def folder(self) -> pathlib.Path:
        """Where the oracle keeps its files."""
        return pathlib.Path(self.directory, self.project_name)

    def run_and_report(self, trial: Trial, *args: Any, **kwargs: Any) -> None:
        """Runs a trial, reports its metrics to the oracle, and sets its status."""
        raise NotImplementedError

    def _get_tuner_fname(self) -> str:
        # keras-tuner reloads a search if this exists. Any single file may be missing,
        # so it is the folder; a tuner has no state beside its oracle's.
        return str(self.folder)

    def _try_run_and_update_trial(
        self, trial: Trial, *args: Any, **kwargs: Any
    ) -> None:
        self.run_and_report(trial, *args, **kwargs)


class Oracle(keras_tuner.Oracle):
    """An oracle whose private attributes and hooks have public names.

    Its `ongoing_trials` are by worker; `tuner_ids` are the workers that may still call.
    """

    ongoing_trials: dict[str, Trial]
    end_order: list[str]

    @property
    def output_dir(self) -> str:
        """The directory that the tuner was given."""
        return self._directory

    @property
    def folder(self) -> pathlib.Path:
        """Where the oracle keeps its files."""
        return pathlib.Path(self._project_dir)

    @property
    def retry_queue(self) -> list[str]:
        """Names of trials to train again; the last one is the next."""
        return self._retry_queue

    def save_trial(self, trial: Trial) -> None:
        """Writes a trial; keras-tuner calls this."""
        raise NotImplementedError

    def _save_trial(self, trial: Trial) -> None:
        self.save_trial(trial)


def restore_grid(oracle: keras_tuner.oracles.GridSearchOracle) -> None:
    """Restores from its trials what a grid search does not save: its place."""
    values = {name: each.hyperparameters.values for name, each in oracle.trials.items()}

    def compare(one: str, other: str) -> int:
        return oracle._compare(values[one], values[other])

    for name in sorted(values, key=functools.cmp_to_key(compare)):
        oracle._ordered_ids.insert(name)
        oracle._populate_next.append(name)


def add_to_server(servicer: Any, server: grpc.Server) -> None:
    """Lets a server answer a chief's calls by an `OracleServicer`."""
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)


def stub(channel: grpc.Channel) -> Any:
    """Returns the calls of a chief at the other end of a channel."""
    return protos.get_service_grpc().OracleStub(channel)


def is_over(oracle: keras_tuner.Oracle) -> bool:
    """Returns whether no trial is running and every worker has been told to stop."""
    return oracle_chief.exit_chief(oracle)
