"""Interrupts that Python, or code between, does not let through."""

import contextlib
import gc
import signal
import sys
import weakref
from unittest import mock


@contextlib.contextmanager
def ignored():
    """Yields a list of what Python says that it ignores, as warnings are errors here.

    Ctrl-C has Python's own handler meanwhile.
    """
    told = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with mock.patch.object(sys, "unraisablehook", told.append):
            yield told
    finally:
        signal.signal(signal.SIGINT, before)


def ctrl_c():
    signal.raise_signal(signal.SIGINT)


class Dying:
    """Is interrupted in its destructor."""

    def __del__(self):
        ctrl_c()


def in_destructor():
    Dying()


def in_garbage():
    dying = Dying()
    dying.itself = dying
    del dying
    gc.collect()


def in_weak_reference():
    owner = type("Owner", (), {})()
    reference = weakref.ref(owner, lambda _: ctrl_c())
    del owner
    del reference


def in_broad_except():
    with contextlib.suppress(BaseException):
        ctrl_c()


def as_another_error():
    try:
        ctrl_c()
    except BaseException as error:
        raise RuntimeError("UnknownError: KeyboardInterrupt") from error


LOST = (in_destructor, in_garbage, in_weak_reference, in_broad_except)
