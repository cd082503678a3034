"""How every launcher starts: a user's mistake ends it with one line, no traceback."""

import contextlib
import functools
import os
import sys
from collections.abc import Callable

from absl import app, flags, logging

from bsgen import errors, interrupts

INTERRUPTED = 130  # What a shell reports for a program that Ctrl-C ended.


def run(main: Callable[[list[str]], None]) -> None:
    """Parses the flags and calls `main`, as `absl.app.run` does.

    Exits with 1 and one line on stderr after a `UserError`, and with 130 and one line
    after Ctrl-C. Only errors are logged, unless --verbosity asks for more.
    """
    # TensorFlow reads this when it is imported, which is later. Its errors reach us as
    # exceptions; what 2 would let through is "no CUDA device" on every CPU machine.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    app.run(functools.partial(_guarded, main), flags_parser=_parse)


def refuse_arguments(arguments: list[str], remedy: str) -> None:
    """Refuses what stands on the command line and is no flag.

    Args:
      arguments: as `main` gets them, the program's name first.
      remedy: what to write instead.

    Raises:
      UserError: there is such an argument.
    """
    if len(arguments) > 1:
        raise errors.UserError("argument", arguments[1], f"not a flag; {remedy}")


def load_tensorflow() -> None:
    """Imports TensorFlow without the lines that it logs while it is imported.

    Its C++ part writes them to file descriptor 2 before any setting is read.
    """
    sys.stderr.flush()
    with contextlib.ExitStack() as stack:
        saved = os.dup(2)
        stack.callback(os.close, saved)
        stack.callback(os.dup2, saved, 2)
        os.dup2(stack.enter_context(open(os.devnull, "wb")).fileno(), 2)
        import tensorflow  # noqa: F401


def _parse(arguments: list[str]) -> list[str]:
    rest = app.parse_flags_with_usage(arguments)
    if flags.FLAGS["verbosity"].using_default_value:
        logging.set_verbosity(logging.ERROR)
    return rest


def _guarded(main: Callable[[list[str]], None], arguments: list[str]) -> None:
    try:
        with interrupts.kept():
            main(arguments)
    except errors.UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
