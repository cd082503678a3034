"""Errors that a user can mend: one line with the argument, the value and the remedy."""

import difflib
import math
import numbers
from collections.abc import Iterable
from typing import Any


class UserError(ValueError):
    """A mistake in what the user gave; launchers print it as one line, no traceback."""

    def __init__(self, argument: str, value: Any, remedy: str):
        self.argument = argument
        self.value = value
        super().__init__(f"{argument}={value!r}: {remedy}")


class OutOfMemory(UserError):
    """A device's memory does not hold what was asked of it."""


def unknown_name(argument: str, value: str, known: Iterable[str]) -> UserError:
    """Returns the error for a name outside `known`, with the nearest match first."""
    names = sorted(known)
    nearest = difflib.get_close_matches(str(value), names, n=1, cutoff=0.3)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return UserError(argument, value, f"unknown; {hint}known: {', '.join(names)}")


def check_integer(argument: str, value: Any, minimum: int) -> int:
    """Returns `value` as an int.

    Raises:
      UserError: it is no whole number of at least `minimum`.
    """
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and value == int(value) >= minimum):
        raise UserError(argument, value, f"give an integer of at least {minimum}")
    return int(value)


def check_real(
    argument: str, value: Any, minimum: float, below: float = math.inf
) -> float:
    """Returns `value` as a float.

    Raises:
      UserError: it is no finite number of at least `minimum` and below `below`.
    """
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and minimum <= value < below):
        bounds = f"at least {minimum:g}"
        bounds += "" if below == math.inf else f" and below {below:g}"
        raise UserError(argument, value, f"give a finite number of {bounds}")
    return float(value)
