"""keras-tuner's own oracles by name, over the three numbers of a setting."""

from collections.abc import Sequence
from typing import Any

import keras_tuner

from bsgen import errors
from bsgen.tuning.keras_tuner_adapter import (
    oracle_names,
    resumable_oracle,
    trials,
    tuner,
    undocumented,
)


class _Random(resumable_oracle.ResumableOracle, keras_tuner.oracles.RandomSearchOracle):
    pass


class _Grid(resumable_oracle.ResumableOracle, keras_tuner.oracles.GridSearchOracle):
    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        undocumented.restore_grid(self)


class _Hyperband(resumable_oracle.ResumableOracle, keras_tuner.oracles.HyperbandOracle):
    pass


class _Bayesian(
    resumable_oracle.ResumableOracle, keras_tuner.oracles.BayesianOptimizationOracle
):
    pass


def make(
    name: str,
    batch_sizes: Sequence[int],
    learning_rates: Sequence[float],
    num_epochs: float,
    max_trials: int | None = None,
    seed: int = 0,
    momenta: Sequence[float] = tuner.MOMENTA,
    num_iterations: int = 1,
) -> keras_tuner.Oracle:
    """Returns an oracle of keras-tuner for `SettingTuner`.

    Args:
      name: one of `oracle_names.NAMES`.
      batch_sizes: to choose from.
      learning_rates: the smallest and the largest of them bound the search.
      num_epochs: budget of a trial; Hyperband's largest, rounded.
      max_trials: None for the whole grid, for Hyperband's own number, or else for 30.
      seed: of its random choices.
      momenta: to choose from.
      num_iterations: how often Hyperband runs.

    Raises:
      UserError: the name is unknown, or the numbers do not fit.
    """
    if name not in oracle_names.NAMES:
        raise errors.unknown_name("oracle", name, oracle_names.NAMES)
    least, largest = min(learning_rates), max(learning_rates)
    if not 0 < least < largest:
        remedy = "give a least and a larger one, above 0"
        raise errors.UserError("learning_rates", list(learning_rates), remedy)
    if max_trials is not None:
        errors.check_integer("max_trials", max_trials, 1)
    arguments = {
        "objective": trials.objective(),
        "hyperparameters": tuner.search_space(
            tuple(batch_sizes), (least, largest), tuple(momenta)
        ),
        # keras-tuner takes 0 for "draw one".
        "seed": errors.check_integer("seed", seed, 0) + 1,
    }
    if name == "hyperband":
        if max_trials is not None:
            remedy = "hyperband has its own number of trials; leave it out"
            raise errors.UserError("max_trials", max_trials, remedy)
        most = max(round(num_epochs), 1)
        return _Hyperband(
            max_epochs=most, hyperband_iterations=num_iterations, **arguments
        )
    if name == "grid":
        return _Grid(max_trials=max_trials, **arguments)
    oracles = {"random": _Random, "bayesian": _Bayesian}
    return oracles[name](max_trials=max_trials or 30, **arguments)
