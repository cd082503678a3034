"""Loads a user's function by its name, package.module:function."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from typing import Any

from bsgen import errors


def check(flag: str, name: str) -> None:
    """Checks a name as far as possible without importing anything.

    Args:
      flag: the flag that it was given to, for the message.
      name: "package.module:function"; the current folder is searched too, as by
        `python -m`.

    Raises:
      UserError: it is not such a name, or there is no such package.
    """
    module_name, _, function_name = name.partition(":")
    if not all(map(str.isidentifier, [*module_name.split("."), function_name])):
        remedy = "write package.module:function, as Python imports them"
        raise errors.UserError(flag, name, remedy)
    if "" not in sys.path:  # a command such as `bsgen` is started without it
        sys.path.insert(0, "")
    package = module_name.partition(".")[0]
    if package not in sys.modules and importlib.util.find_spec(package) is None:
        raise errors.UserError(flag, name, _missing(package))


def load(flag: str, name: str) -> Callable[[], Any]:
    """Imports a function; errors of the module itself propagate.

    Args:
      flag: the flag that it was given to, for the message.
      name: as for `check`.

    Raises:
      UserError: there is no such module or function, or it needs arguments.
    """
    check(flag, name)
    module_name, _, function_name = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            raise errors.UserError(flag, name, _missing(error.name)) from error
        raise
    function = getattr(module, function_name, None)
    if not callable(function):
        known = [each for each in vars(module) if callable(getattr(module, each))]
        raise errors.unknown_name(flag, function_name, known)
    errors.check_no_arguments(flag, function)
    return function


def _missing(module: str) -> str:
    return f"no module {module!r}; start from its folder, or install it"
