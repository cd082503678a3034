"""Checks the values of records: what cannot be right is refused, not used.

Each check raises `ValueError` with the name of the field and what is wrong. None stands
for a number that was not finite (see `bsgen.files`).
"""

import math
import reprlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bsgen.models import losses
from bsgen.training import weight_distance

STATUSES = ("completed", "diverged")
_LARGEST = 3.4028235e38  # the largest float32; networks are trained in it
_ROUNDING = 1e-6  # of a float32 mean over many values


def check_fields(
    values: Mapping[str, Any], types: Mapping[str, type], optional: Collection[str] = ()
) -> None:
    """Checks that an object has exactly these fields, each of its type.

    A float must be finite, and may be an integer; `optional` fields may have any type.
    """
    for name, kind in types.items():
        if name not in values:
            raise ValueError(f"lacks the field {name}")
        if kind is float:
            check_number(name, values[name])
        if kind is not float and not isinstance(values[name], kind):
            wrong = f"{name} is {_short(values[name])}"
            raise ValueError(f"{wrong}, not of type {kind.__name__}")
    for name in values:
        if name not in types and name not in optional:
            raise ValueError(f"has an unknown field {name!r}")


def check_outcome(values: Mapping[str, Any]) -> None:
    """Checks the fields `status`, `final` and `seconds` of a finished run."""
    if values.get("status") not in STATUSES:
        known = " or ".join(STATUSES)
        raise ValueError(f"status is {_short(values.get('status'))}, not {known}")
    _check_object("final", values.get("final"))
    for metric, value in values["final"].items():
        check_metric(f"final.{metric}", value)
    check_number("seconds", values.get("seconds"))


def check_number(name: str, value: Any) -> None:
    """Checks that a value is a finite number, within float32's range."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{name} is {_short(value)}, not a number")
    if not abs(value) <= _LARGEST:
        raise ValueError(f"{name} is {_short(value)}, beyond what float32 holds")


def check_metric(name: str, value: Any) -> None:
    """Checks a metric: None where it was not finite, or a number in its range.

    The ranges are those of `bsgen.models.losses`; steps and distances are not negative.
    """
    _check_metrics(name, [value])


def check_curve(name: str, values: Any) -> None:
    """Checks an object of lists of metrics, all of one length, with rising steps."""
    _check_object(name, values)
    for metric, series in values.items():
        if not isinstance(series, list):
            raise ValueError(f"{name}.{metric} is {_short(series)}, not a list")
        _check_metrics(f"{name}.{metric}", series)
    if len({len(series) for series in values.values()}) > 1:
        raise ValueError(f"{name} has lists of different lengths")
    steps = values.get("step", [])
    if None in steps or any(a >= b for a, b in zip(steps, steps[1:], strict=False)):
        raise ValueError(f"{name}.step does not rise: {_short(steps)}")


def check_texts(name: str, values: Any) -> None:
    """Checks an object of texts."""
    _check_object(name, values)
    for field, value in values.items():
        if not isinstance(value, str):
            raise ValueError(f"{name}.{field} is {_short(value)}, not a text")


def _check_metrics(name: str, values: Sequence[Any]) -> None:
    """Checks values of one metric, which is looked up once for all of them."""
    field = name.rpartition(".")[2]
    lowest, highest = _limits(field)
    for value in values:
        if value is None:
            continue
        check_number(name, value)
        if not lowest - _ROUNDING <= value <= highest + _ROUNDING:
            limits = f"{lowest:g} and {highest:g}"
            raise ValueError(f"{name} is {value:g}, not within {limits}")
        if field == "step" and (value < 0 or value != int(value)):
            raise ValueError(f"{name} is {value:g}, not a number of steps")


def _limits(field: str) -> tuple[float, float]:
    if field in weight_distance.NAMES:
        return 0.0, math.inf
    metric = losses.recorded_metric(field)
    return (metric.lowest, metric.highest) if metric else (-math.inf, math.inf)


def _check_object(name: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is {_short(value)}, not an object")


def _short(value: Any) -> str:
    """Returns a value shortened to fit on one line."""
    return reprlib.repr(value)
