"""Imports TensorFlow without the lines that its C++ code writes during the import.

They go to file descriptor 2 before that code reads any setting.
"""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def silenced() -> Iterator[int]:
    """Redirects file descriptor 2 to /dev/null; yields a copy of what it was."""
    sys.stderr.flush()
    with contextlib.ExitStack() as stack:
        saved = os.dup(2)
        stack.callback(os.close, saved)
        stack.callback(os.dup2, saved, 2)
        os.dup2(stack.enter_context(open(os.devnull, "wb")).fileno(), 2)
        yield saved
