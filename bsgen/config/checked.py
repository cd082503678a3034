"""The base of every configuration: frozen, and checked when made.

To add a field, give it a plain default, a line in the docstring of its class, and a
check in `__post_init__`. A field at its default is not written, so runs recorded before
it existed keep their keys. The fields of the first version are marked by `always`.
"""

import dataclasses
from typing import Any

ALWAYS = {"always": True}  # metadata of a field that is written even at its default


class Checked:
    """A frozen dataclass whose fields are replaced by their checked values."""

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


def always(default: Any, column: bool = True) -> Any:
    """Returns a field that is written even at its default, since it always was.

    Args:
      default: the default value.
      column: whether tables of runs show the field.
    """
    return dataclasses.field(default=default, metadata={**ALWAYS, "column": column})


def no_column(default: Any) -> Any:
    """Returns a field that tables of runs do not show."""
    return dataclasses.field(default=default, metadata={"column": False})


def is_always_written(field: dataclasses.Field) -> bool:
    """Returns whether a field is written at its default."""
    return field.metadata.get("always", False)


def is_column(field: dataclasses.Field) -> bool:
    """Returns whether tables of runs show a field."""
    return field.metadata.get("column", True)
