"""The base of every configuration: frozen, and checked when made.

To add a field, give it a plain default, a line in the docstring of its class, and a
check in `__post_init__`. A field at its default is not written, so runs recorded before
it existed keep their keys. Always written are the fields of the first version, marked
by `always`, and the names that tell classes apart, which are keyword-only.
"""

import dataclasses
import functools
import typing
from collections.abc import Callable
from typing import Any, Literal

from bsgen import errors


class Checked:
    """A frozen dataclass whose fields are replaced by their checked values.

    A subclass with a `__post_init__` of its own calls this one first.
    """

    def __post_init__(self) -> None:
        cls: Any = type(self)
        for name, known in _choices(cls).items():
            if getattr(self, name) not in known:
                raise errors.unknown_name(name, getattr(self, name), known)

    def chosen(self) -> dict[str, Any]:
        """Returns the fields that are not at their default, with their values.

        An engine refuses those that it does not name, so that a new field is never
        ignored in silence.
        """
        fields: Any = self
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(fields)
            if getattr(self, field.name) != field.default
        }

    def _set(self, **checked: Any) -> None:
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def _check_field(
        self, name: str, check: Callable[..., Any], *limits: float
    ) -> None:
        """Checks a field by a function of name, value and limits, as in `bsgen.errors`.

        None passes where it is the default.
        """
        value = getattr(self, name)
        if value is not None or getattr(type(self), name, ...) is not None:
            self._set(**{name: check(name, value, *limits)})


def choices(cls: type, name: str) -> tuple[str, ...]:
    """Returns the values that a field of a configuration class may have."""
    return _choices(cls)[name]


def always(default: Any, column: bool = True) -> Any:
    """Returns a field that is written even at its default, since it always was.

    `column` says whether tables of runs show it.
    """
    metadata = {"always": True, "column": column}
    return dataclasses.field(default=default, metadata=metadata)


def no_column(default: Any) -> Any:
    """Returns a field that tables of runs do not show."""
    return dataclasses.field(default=default, metadata={"column": False})


def is_always_written(field: dataclasses.Field) -> bool:
    """Returns whether a field is written at its default."""
    return field.kw_only is True or field.metadata.get("always", False)


def is_column(field: dataclasses.Field) -> bool:
    """Returns whether tables of runs show a field."""
    return field.metadata.get("column", True)


@functools.cache
def _choices(cls: Any) -> dict[str, tuple[str, ...]]:
    """Returns the values of every field whose type is a `Literal`."""
    return {
        name: typing.get_args(hint)
        for name, hint in typing.get_type_hints(cls).items()
        if typing.get_origin(hint) is Literal
    }
