"""Schedules as one line of text, for a command line: NAME FIELD=VALUE ...

constant
stepwise boundaries=81,122,164 factors=0.1,0.01,0.001
cyclic factors=1,5 period=10 unit=epochs
constant_then_decay decay=2 num_decays=10
"""

import dataclasses
import typing
from typing import Any

from bsgen import errors
from bsgen.config import schedule

_CLASSES = {cls.name: cls for cls in typing.get_args(schedule.Schedule)}


def parse_schedule(text: str, argument: str = "schedule") -> schedule.Schedule:
    """Parses a line of text, which came from `argument`.

    Raises:
      UserError: the name or a field is unknown, a field is given twice, or a value
        cannot be parsed.
    """
    name, *rest = text.split() or [""]
    if name not in _CLASSES:
        raise errors.unknown_name(argument, name, _CLASSES)
    fields = {field.name: field for field in dataclasses.fields(_CLASSES[name])}
    del fields["name"]
    values = {}
    for item in rest:
        key, _, value = item.partition("=")
        if key not in fields:
            raise errors.unknown_name(argument, key, fields)
        if key in values:
            raise errors.UserError(argument, item, "give each field once")
        try:
            values[key] = _parse(value, fields[key].default)
        except ValueError as error:
            raise errors.UserError(argument, item, "give numbers") from error
    return _CLASSES[name](**values)


def to_text(written: dict[str, Any]) -> str:
    """Returns the line for a schedule or warm-up that `bsgen.config.to_dict` wrote."""
    fields = dict(written)
    words = [fields.pop("name", "")]
    for name, value in fields.items():
        many = isinstance(value, list)
        words.append(f"{name}={','.join(map(str, value)) if many else value}")
    return " ".join(words).strip()


def _parse(value: str, default: object) -> object:
    """Returns the value in the type that the field has by default."""
    if isinstance(default, str):
        return value
    if isinstance(default, tuple):
        return tuple(float(part) for part in value.split(","))
    return float(value)
