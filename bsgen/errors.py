"""Errors that the user can fix, in one line: the argument, its value and the remedy."""

import difflib
import inspect
import math
import numbers
from collections.abc import Callable, Iterable
from typing import Any

_MAX_CHARACTERS = 300  # of a value in a message
# The range of float32, in which weights and rates are held: its largest number, and the
# smallest that TensorFlow does not flush to 0.
_LARGEST_FLOAT32 = (2.0 - 2.0**-23) * 2.0**127
_SMALLEST_FLOAT32 = 2.0**-126


class UserError(ValueError):
    """A mistake in the user's input; launchers print it as one line, no traceback."""

    # Keras rewraps an error raised inside a layer in many lines, unless it carries this
    # mark of an error that Keras has already explained.
    _keras_call_info_injected = True

    def __init__(self, argument: str, value: Any, remedy: str):
        self.argument = argument
        self.value = value
        self.remedy = remedy
        super().__init__(f"{argument}={_shortened(repr(value))}: {remedy}")

    def __reduce__(self) -> tuple[type["UserError"], tuple[str, Any, str]]:
        # By default an exception is rebuilt from its message alone, when it is pickled.
        return type(self), (self.argument, self.value, self.remedy)


class OutOfMemory(UserError):
    """A device has too little memory for what was asked of it."""


def unknown_name(argument: str, value: str, known: Iterable[str]) -> UserError:
    """Returns the error for a name outside `known`, with the nearest match first."""
    names = sorted(known)
    nearest = difflib.get_close_matches(str(value), names, n=1, cutoff=0.3)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return UserError(argument, value, f"unknown; {hint}known: {', '.join(names)}")


def check_integer(
    argument: str, value: Any, minimum: int, maximum: int | None = None
) -> int:
    """Returns `value` as an int.

    Raises:
      UserError: it is not a whole number from `minimum` to `maximum` (None: no limit).
    """
    whole = _is_number(value) and value == math.floor(value)
    if not (whole and minimum <= value and (maximum is None or value <= maximum)):
        bounds = f"of at least {minimum}"
        if maximum is not None:
            bounds = f"from {minimum} to {maximum:,}"
        raise UserError(argument, value, f"give an integer {bounds}")
    return int(value)


def check_real(
    argument: str, value: Any, minimum: float, below: float = math.inf
) -> float:
    """Returns `value` as a float.

    Raises:
      UserError: it is not a finite number of at least `minimum` and below `below`.
    """
    if not (_is_number(value) and minimum <= value < below):
        bounds = f"at least {minimum:g}"
        bounds += "" if below == math.inf else f" and below {below:g}"
        raise UserError(argument, value, f"give a finite number of {bounds}")
    return float(value)


def check_float32(argument: str, value: Any) -> float:
    """Returns `value` as a float that float32 can hold, 0 included.

    Raises:
      UserError: it is negative or not a number, or float32 would round it to 0 or to
        infinity.
    """
    number = check_real(argument, value, 0.0)
    if number and not _SMALLEST_FLOAT32 <= number <= _LARGEST_FLOAT32:
        bounds = f"{_SMALLEST_FLOAT32:.2g} to {_LARGEST_FLOAT32:.2g}"
        remedy = f"float32 cannot hold it; give 0, or a number from {bounds}"
        raise UserError(argument, value, remedy)
    return number


def _is_number(value: Any) -> bool:
    """Whether it is a finite number that a float can hold."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond float64
        return False


def _shortened(text: str) -> str:
    if len(text) <= _MAX_CHARACTERS:
        return text
    half = _MAX_CHARACTERS // 2
    return f"{text[:half]}...{text[-half:]}"


def check_no_arguments(argument: str, function: Callable[..., Any]) -> None:
    """Checks that a user's function can be called without arguments.

    Raises:
      UserError: it has parameters without a default.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a function written in C, for example
        return
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [
        each.name
        for each in parameters
        if each.default is each.empty and each.kind not in optional
    ]
    if needed:
        name = getattr(function, "__name__", type(function).__name__)
        remedy = f"it is called without arguments, but needs {', '.join(needed)}: give "
        remedy += "a function that sets them"
        raise UserError(argument, name, remedy)
