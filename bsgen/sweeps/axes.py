"""The axes of a sweep: fields of a run's configuration, each with its values.

One line of text describes an axis:

    learning_rate=0.1,0.3,1
    batch_size=16..512*2                              16, 32, 64, 128, 256, 512
    hidden_units=128x128,512
    schedule=constant;stepwise boundaries=30,60 factors=0.1,0.01

A value is a number, true, false, null or a text, as in JSON but without quotes; values
that contain commas are separated by semicolons. A file has an object of JSON with a
list of values, or such a text, for each field.
"""

import dataclasses
import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bsgen import errors
from bsgen.files import sealed_json

MAX_VALUES = 1000
_RANGE, _RATIO = "..", "*"
_EXAMPLE = "write FIELD=VALUE,VALUE,..., such as learning_rate=0.1,0.3,1"


@dataclasses.dataclass(frozen=True)
class Axis:
    """One axis of a sweep.

    Attributes:
      name: a field of a run's configuration.
      values: at least two different ones, of JSON's types; lists are tuples.
    """

    name: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        values = tuple(tuple(v) if isinstance(v, list) else v for v in self.values)
        if len(values) > MAX_VALUES:
            remedy = f"{len(values):,} values; give at most {MAX_VALUES:,}"
            raise errors.UserError("axis", self.name, remedy)
        if len(values) < 2:
            remedy = "an axis has two values or more; a field's own flag gives one"
            raise errors.UserError("axis", self.name, remedy)
        seen: set[str] = set()
        for value in values:
            if (text := label(value)) in seen:
                remedy = f"{self.name} has the value {text} twice; give each once"
                raise errors.UserError("axis", f"{self.name}={text}", remedy)
            seen.add(text)
        object.__setattr__(self, "values", values)


def parse(text: str) -> Axis:
    """Parses the line of text of an axis.

    Raises:
      UserError: it is none, or has fewer than two values, or one twice.
    """
    name, equals, values = text.partition("=")
    if not (name.strip() and equals):
        raise errors.UserError("axis", text, _EXAMPLE)
    return Axis(name.strip(), _values(values, text))


def read(path: str) -> list[Axis]:
    """Reads the axes in a file of JSON.

    Raises:
      UserError: the file cannot be read, or an axis is none.
    """
    try:
        found = sealed_json.parse(pathlib.Path(path).read_bytes())
    except OSError as error:
        remedy = f"cannot be read ({error.strerror})"
        raise errors.UserError("grid", path, remedy) from error
    except sealed_json.Damaged as error:
        remedy = 'write an object of JSON such as {"batch_size": [16, 32]}; '
        raise errors.UserError("grid", path, f"{remedy}{error}") from error
    return [_from_json(path, name, values) for name, values in found.items()]


def check_names(axes: Sequence[Axis]) -> None:
    """Checks that no two axes have one name.

    Raises:
      UserError: two do.
    """
    names = [axis.name for axis in axes]
    for name in names:
        if names.count(name) > 1:
            raise errors.UserError("axis", name, "give each axis once")


def label(value: Any) -> str:
    """Returns a value as in the line of text."""
    if isinstance(value, tuple):
        return "x".join(map(label, value))
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.12g}"
    return json.dumps(value)


def _from_json(path: str, name: str, values: Any) -> Axis:
    if isinstance(values, str):
        return Axis(name, _values(values, f"{name}={values}"))
    if not isinstance(values, list) or any(isinstance(v, Mapping) for v in values):
        remedy = f'{name} has no list of values; write "{name}": [VALUE, VALUE]'
        raise errors.UserError("grid", path, remedy)
    return Axis(name, tuple(values))


def _values(text: str, whole: str) -> tuple[Any, ...]:
    parts = text.split(";" if ";" in text else ",")
    return tuple(
        value
        for part in parts
        for value in (_range(part, whole) if _RANGE in part else (_value(part),))
    )


def _value(text: str) -> Any:
    text = text.strip()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        widths = text.split("x")
        whole = len(widths) > 1 and all(map(str.isdecimal, widths))
        return tuple(map(_value, widths)) if whole else text
    return text if isinstance(found, dict | list | str) else found


def _range(text: str, whole: str) -> Iterable[float]:
    """Yields the numbers of a geometric range, FIRST..LAST*RATIO."""
    ends, _, ratio = text.partition(_RATIO)
    try:
        first, last, factor = map(float, (*ends.split(_RANGE), ratio))
        if not (0 < first <= last < float("inf") and 1 < factor < float("inf")):
            raise ValueError
    except ValueError as error:
        remedy = "write a range as FIRST..LAST*RATIO, such as 16..512*2"
        raise errors.UserError("axis", whole, remedy) from error
    value = first
    for _ in range(MAX_VALUES + 1):
        if value > last:
            return
        yield int(value) if value == int(value) else value
        value = float(f"{value * factor:.12g}")  # so that 0.1 * 3 is 0.3
    remedy = f"a range of more than {MAX_VALUES:,} values; give a larger ratio"
    raise errors.UserError("axis", whole, remedy)
