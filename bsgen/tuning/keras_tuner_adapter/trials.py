"""keras-tuner's trials as this project's requests and outcomes, and back.

A trial trains one setting in some repeats. keras-tuner sends nothing of a trial from
one machine to another but its values and its metrics, in single precision. So every
repeat's score is a metric of its own, and the status is a number.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeAlias

import keras_tuner

from bsgen.tuning import older_searches
from bsgen.tuning.keras_tuner_adapter import undocumented
from bsgen.tuning.procedures import outcomes, settings

Trial: TypeAlias = undocumented.Trial
OBJECTIVE = "score"  # the mean over repeats, higher is better
_REPEAT = "repeat_"
_PART = 2**24  # Integers up to this are exact in single precision.


def objective() -> keras_tuner.Objective:
    """Returns what every search maximizes."""
    return keras_tuner.Objective(OBJECTIVE, "max")


def to_values(request: settings.Request) -> dict[str, Any]:
    """Returns a request as values of hyperparameters."""
    values = {
        **dataclasses.asdict(request.setting),
        "repeats": ",".join(map(str, request.repeats)),
        "phase": request.phase,
        "reason": request.reason,
    }
    return {name: value for name, value in values.items() if value is not None}


def to_request(values: Mapping[str, Any], num_repeats: int) -> settings.Request:
    """Returns the request in values of hyperparameters.

    Args:
      values: of a trial of any oracle; `learning_rate` and `momentum` as in `Setting`.
      num_repeats: how many repeats where the values name none.
    """
    values = older_searches.values_of_today(values)
    setting: settings.Trainable
    if values.get("reason") == "own optimizer":
        setting = settings.AsCompiled(values["batch_size"], values["optimizer"])
    else:
        setting = settings.Setting(
            values["batch_size"], values["learning_rate"], values["momentum"]
        )
        if "share" in values:
            setting = settings.Prefix(
                **dataclasses.asdict(setting), share=values["share"]
            )
    text = values.get("repeats")
    repeats = range(num_repeats) if text is None else map(int, text.split(","))
    phase, reason = values.get("phase"), values.get("reason")
    return settings.Request(setting, tuple(repeats), phase, reason)


def to_metrics(outcome: outcomes.Outcome, worst_score: float) -> dict[str, float]:
    """Returns an outcome as metrics, all finite.

    Args:
      outcome: of a trial.
      worst_score: the objective of a trial without scores.
    """
    mean = outcome.mean
    return {
        OBJECTIVE: worst_score if mean is None else mean,
        **{f"{_REPEAT}{i}": score for i, score in outcome.scores.items()},
        "status": float(outcomes.STATUSES.index(outcome.status)),
        **_in_parts("num_steps", outcome.num_steps),
        **_in_parts("num_examples", outcome.num_examples),
        "seconds": outcome.seconds,
    }


def to_outcome(trial: Trial) -> outcomes.Outcome | None:
    """Returns the outcome of a trial; None if it has not ended."""
    if trial.status == "FAILED":
        return outcomes.Outcome({}, "failed")
    if trial.status != "COMPLETED":
        return None
    metrics = trial.metrics
    found = {name: metrics.get_last_value(name) for name in metrics.metrics}
    scores = {
        int(name.removeprefix(_REPEAT)): score
        for name, score in found.items()
        if name.startswith(_REPEAT)
    }
    status: Any = outcomes.STATUSES[round(found["status"])]
    return outcomes.Outcome(
        scores,
        status,
        _whole(found, "num_steps"),
        _whole(found, "num_examples"),
        found["seconds"],
    )


def merged(
    trials: Mapping[str, Trial], num_repeats: int
) -> dict[settings.Trainable, outcomes.Outcome]:
    """Returns the outcome of each setting over all its finished trials."""
    results: dict[settings.Trainable, outcomes.Outcome] = {}
    for trial in trials.values():
        outcome = to_outcome(trial)
        if outcome is not None:
            values = trial.hyperparameters.values
            setting = to_request(values, num_repeats).setting
            earlier = results.get(setting)
            results[setting] = outcome if earlier is None else earlier.merged(outcome)
    return results


def _in_parts(name: str, count: int) -> dict[str, float]:
    rest, low = divmod(count, _PART)
    return {name: float(low), f"{name}_high": float(rest)}


def _whole(metrics: Mapping[str, float], name: str) -> int:
    return round(metrics[name]) + _PART * round(metrics[f"{name}_high"])
