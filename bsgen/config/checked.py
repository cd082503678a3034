"""The base of every configuration: frozen, and checked when made."""

from typing import Any


class Checked:
    """A frozen dataclass whose fields are replaced by their checked values."""

    def _set(self, **checked: Any) -> None:
        for name, value in checked.items():
            object.__setattr__(self, name, value)
