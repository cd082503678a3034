"""What earlier versions wrote of a search, as this one writes it."""

from collections.abc import Mapping
from typing import Any

from bsgen.tuning.trainers import fingerprints

_SINCE_THEN = "lower_is_better"  # is in every description of this version
_MINUS = "minus "  # stood before the name of a metric of which less is better
_TOLERANCE = 0.01  # was the default for every metric


def is_older(found: Mapping[str, Any]) -> bool:
    """Returns whether an earlier version wrote a description."""
    return "metric" in found and _SINCE_THEN not in found


def as_today(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the description of an earlier version with all that this one tells.

    What it does not speak of counts as the same.

    Args:
      found: in a folder.
      wanted: of the search that is to go on.
    """
    older = dict(found)
    older["metric"] = str(found["metric"]).removeprefix(_MINUS)
    if found.get("tolerance") == _TOLERANCE:
        older["tolerance"] = wanted.get("tolerance")
    if _has_digests(wanted):
        # It follows from model and data, and was found otherwise.
        older["baseline_score"] = wanted.get("baseline_score")
    return {**wanted, **older}


def words(wanted: Mapping[str, Any]) -> str:
    """Returns what is to be said when an earlier search goes on.

    Args:
      wanted: its description by this version.
    """
    text = "was begun by an earlier version: its trials are kept, this version decides"
    if _has_digests(wanted):
        text += "; make sure that model and data are the same, it does not know them"
    return text


def _has_digests(description: Mapping[str, Any]) -> bool:
    return any(name in description for name in fingerprints.NAMES)
