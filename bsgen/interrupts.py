"""Ctrl-C that is never lost, in long work that is to end with a KeyboardInterrupt.

Python raises KeyboardInterrupt wherever the main thread is just then. Where that is a
destructor, a callback from C, or code that turns every exception into another one, it
vanishes, and the work goes on. So while `kept` is entered each Ctrl-C is noted too, and
`check`, which stands between the steps of the work, raises what has vanished.

`bsgen.training.interruption` is for work that saves before it stops.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

# Whether Ctrl-C came and nobody has answered it yet. Signals are the process's, and
# only its main thread sees this.
_is_noted = False


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Sees to it that Ctrl-C ends what runs inside; also a decorator.

    Where the program has a handler of its own, or ignores Ctrl-C, that stays; in other
    threads than the main one nothing is done.

    Raises:
      KeyboardInterrupt: Ctrl-C came, at the latest when the end is reached.
    """
    if not _is_main_thread() or _handler() is not signal.default_int_handler:
        yield
        return
    answered()
    signal.signal(signal.SIGINT, _note)
    try:
        yield
        check()
    except Exception as error:
        if _is_noted:
            raise KeyboardInterrupt from error
        raise
    finally:
        if _handler() is _note:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        answered()


def check() -> None:
    """Raises what has vanished: call it between the steps of long work.

    Raises:
      KeyboardInterrupt: Ctrl-C came inside `kept`, and has not been answered.
    """
    if _is_noted and _is_main_thread():
        answered()
        raise KeyboardInterrupt


def answered() -> None:
    """Says that Ctrl-C has done what it should, such as ending a measure early."""
    global _is_noted
    if _is_main_thread():
        _is_noted = False


def _note(number: int, frame: FrameType | None) -> None:
    global _is_noted
    _is_noted = True
    raise KeyboardInterrupt


def _handler() -> object:
    return signal.getsignal(signal.SIGINT)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
