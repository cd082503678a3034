"""Reads what earlier versions wrote about a search as if this one had written it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bsgen.tuning.procedures import settings
from bsgen.tuning.trainers import fingerprints

_SINCE_THEN = "lower_is_better"  # in every description that this version makes
_MINUS = "minus "  # stood before the name of a metric of which less is better
_TOLERANCE = 0.01  # was the default for every metric


def is_older(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Returns whether an earlier version wrote the description of a search.

    Args:
      found: in its folder.
      wanted: of the search to continue; one of somebody's own may lack what those of
        this version have.
    """
    return "metric" in found and _SINCE_THEN in wanted and _SINCE_THEN not in found


def as_today(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the description by an earlier version, with what this one adds.

    What it lacks counts as equal to that of the search to continue.
    """
    older = dict(found)
    older["metric"] = str(found["metric"]).removeprefix(_MINUS)
    if found.get("tolerance") == _TOLERANCE:
        older["tolerance"] = wanted.get("tolerance")
    if _has_digests(wanted):
        # It follows from model and data, and was computed differently.
        older["baseline_score"] = wanted.get("baseline_score")
    return {**wanted, **older}


def words(wanted: Mapping[str, Any]) -> str:
    """Returns what to tell the user when an earlier search continues."""
    text = "was begun by an earlier version: its trials are kept, this version decides"
    if _has_digests(wanted):
        text += "; make sure that model and data are the same, it does not know them"
    return text


def values_of_today(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the values of a trial, of an earlier one with its reason where known.

    Only trials of the user's own optimizer had the name of one.
    """
    if "optimizer" in values and "reason" not in values:
        return {**values, "reason": "own optimizer"}
    return values


def table_of_today(trials: pd.DataFrame) -> pd.DataFrame:
    """Returns a table of trials, of an earlier one with the reason where known.

    Only trials of the user's own optimizer had no learning rate.
    """
    if "reason" in trials:
        return trials
    is_own = trials["learning_rate"].isna()
    return trials.assign(reason=is_own.map({True: "own optimizer", False: None}))


def with_phase(
    request: settings.Request, asked: Sequence[settings.Request]
) -> settings.Request:
    """Returns a trial's request, of an earlier trial with the phase that it lacks.

    Args:
      request: of a trial.
      asked: by the procedure, in order; the first request for the same is the trial's.
    """
    if request.phase is not None:
        return request
    for one in asked:
        if one.setting == request.setting and request.repeats[0] in one.repeats:
            return dataclasses.replace(request, phase=one.phase, reason=one.reason)
    return request


def _has_digests(description: Mapping[str, Any]) -> bool:
    return any(name in description for name in fingerprints.NAMES)
