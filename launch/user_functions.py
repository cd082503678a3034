"""A user's functions by name, package.module:function."""

import importlib
from collections.abc import Callable
from typing import Any

from bsgen import errors


def load(flag: str, name: str) -> Callable[[], Any]:
    """Imports a function.

    What the module itself raises while it is imported goes through.

    Args:
      flag: that the name was given to, for the message.
      name: "package.module:function"; the current folder is searched, too.

    Raises:
      UserError: there is no such module or function, or it needs arguments.
    """
    module_name, _, function_name = name.partition(":")
    if not module_name or not function_name:
        raise errors.UserError(flag, name, "write package.module:function")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            remedy = f"no module {error.name!r}; start from its folder, or install it"
            raise errors.UserError(flag, name, remedy) from error
        raise
    function = getattr(module, function_name, None)
    if not callable(function):
        known = [each for each in vars(module) if callable(getattr(module, each))]
        raise errors.unknown_name(flag, function_name, known)
    errors.check_no_arguments(flag, function)
    return function
