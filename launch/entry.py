"""Starts every launcher: a user's mistake ends it with one line, no traceback."""

import contextlib
import difflib
import errno
import functools
import gc
import itertools
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator

from absl import app, flags, logging

from bsgen import errors, interrupts
from bsgen.training import tensorflow_import

from . import INTERRUPTED, as_called, end_at_once, flag_help, streams

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def run(main: Callable[[list[str]], None]) -> None:
    """Parses the flags and calls `main`, as `absl.app.run` does.

    Exits with one line on stderr: with 1 after a `UserError` or when memory or disk are
    exhausted, with 130 after Ctrl-C. Only errors are logged, unless --verbosity asks
    for more.
    """
    streams.prepare()
    # TensorFlow reads this when it is imported, later. Its errors are raised as
    # exceptions anyway; with 2 it would log "no CUDA device" on every CPU machine.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        parse = functools.partial(_parse, main.__module__)
        app.run(functools.partial(_guarded, main), flags_parser=parse)
    finally:
        streams.flush()


def refuse_arguments(arguments: list[str], remedy: str) -> None:
    """Refuses arguments on the command line that are not flags.

    Args:
      arguments: as `main` gets them, the program's name first.
      remedy: what to write instead.

    Raises:
      UserError: there is such an argument.
    """
    if len(arguments) > 1:
        raise errors.UserError("argument", arguments[1], f"not a flag; {remedy}")


def warn(line: str) -> None:
    """Prints a warning on stderr."""
    print(f"warning: {line}", file=sys.stderr)


def let_go_of_lost_terminal() -> None:
    """Redirects output to /dev/null if the terminal has hung up.

    Otherwise writing would fail and give the process another exit status.
    """
    with open(os.devnull, "wb") as nowhere:
        for descriptor in (1, 2):
            try:
                os.write(descriptor, b"")
            except OSError:
                os.dup2(nowhere.fileno(), descriptor)


def load_tensorflow() -> None:
    """Imports TensorFlow without the lines that it logs during the import."""
    with tensorflow_import.silenced() as stderr:

        def end(number: int, frame: object) -> None:
            os.dup2(stderr, 2)
            end_at_once()

        # A KeyboardInterrupt would be lost in an import that catches all exceptions.
        with _interrupts(end):
            import tensorflow  # noqa: F401


def _parse(launcher: str, arguments: list[str]) -> list[str]:
    own = itertools.takewhile(lambda argument: argument != "--", arguments)
    if any(argument in flag_help.ASKED for argument in own):
        print(flag_help.text(launcher))
        sys.exit()
    try:
        rest = flags.FLAGS(arguments)
    except flags.Error as error:
        print(f"error: {_in_one_line(error)} (--help shows all)", file=sys.stderr)
        sys.exit(1)
    if flags.FLAGS["verbosity"].using_default_value:
        logging.set_verbosity(logging.ERROR)
    return rest


def _in_one_line(error: flags.Error) -> str:
    if isinstance(error, flags.UnrecognizedFlagError):
        known = [flag.name for each in flag_help.sections().values() for flag in each]
        near = difflib.get_close_matches(error.flagname, known, n=1)
        hint = f"; did you mean --{near[0]}?" if near else ""
        return f"there is no flag --{error.flagname}{hint}"
    return " ".join(str(error).split())


def _guarded(main: Callable[[list[str]], None], arguments: list[str]) -> None:
    status = 1
    try:
        with _interrupts(signal.default_int_handler), interrupts.kept():
            _refuse_nan()
            main(arguments)
        return
    except errors.UserError as error:
        text = f"error: {error}"
    except MemoryError:
        text = "error: the memory of this machine does not suffice"
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        text = f"error: {error}"
    except KeyboardInterrupt:
        text, status = "interrupted", INTERRUPTED
    # Frees what the exception kept alive, while that is safe: when the interpreter
    # ends, thread pools of TensorFlow's strategies print a traceback as they go.
    gc.collect()
    sys.stdout.flush()
    print(as_called(text), file=sys.stderr)
    sys.exit(status)


def _refuse_nan() -> None:
    """Refuses NaN as the value of a flag; absl's bounds let it pass."""
    for name in flags.FLAGS:
        value = flags.FLAGS[name].value
        if isinstance(value, float) and math.isnan(value):
            raise errors.UserError(name, value, "give a number")


@contextlib.contextmanager
def _interrupts(handler: Callable[..., object]) -> Iterator[None]:
    """Handles Ctrl-C by `handler`, unless it is ignored, as in a background job."""
    previous = signal.getsignal(signal.SIGINT)
    if previous == signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
