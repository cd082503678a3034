"""Errors that a user can mend: one line with the argument, the value and the remedy."""

import difflib
from collections.abc import Iterable
from typing import Any


class UserError(ValueError):
    """A mistake in what the user gave; launchers print it as one line, no traceback."""

    def __init__(self, argument: str, value: Any, remedy: str):
        self.argument = argument
        self.value = value
        super().__init__(f"{argument}={value!r}: {remedy}")


def unknown_name(argument: str, value: str, known: Iterable[str]) -> UserError:
    """Returns the error for a name outside `known`, with the nearest match first."""
    names = sorted(known)
    nearest = difflib.get_close_matches(str(value), names, n=1, cutoff=0.3)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return UserError(argument, value, f"unknown; {hint}known: {', '.join(names)}")
