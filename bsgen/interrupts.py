"""Makes sure that Ctrl-C ends long work with a KeyboardInterrupt.

Python raises KeyboardInterrupt wherever the main thread happens to be. In a destructor,
a callback from C, or code that replaces every exception, it gets lost and the work
continues. So inside `kept` each Ctrl-C is also noted, and `check`, called between the
steps of the work, raises a KeyboardInterrupt that got lost.

For work that saves before it stops, see `bsgen.training.interruption`.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

# Whether a Ctrl-C has not been handled yet. Signals belong to the process, and only its
# main thread reads this.
_is_noted = False


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Makes sure that Ctrl-C ends what runs inside; also a decorator.

    A handler of the program's own stays in place, as does ignoring Ctrl-C. Outside the
    main thread this does nothing.

    Raises:
      KeyboardInterrupt: Ctrl-C was pressed; raised at the end at the latest.
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
    """Raises a KeyboardInterrupt that got lost; call it between steps of long work.

    Raises:
      KeyboardInterrupt: Ctrl-C was pressed inside `kept` and has not been handled.
    """
    if _is_noted and _is_main_thread():
        answered()
        raise KeyboardInterrupt


def answered() -> None:
    """Marks Ctrl-C as handled, for example because it ended a measure early."""
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
