"""The launchers: absl flags in, one library call out.

From here on until `entry.run` takes over, Ctrl-C ends a launcher at once and without a
traceback: nothing has been begun yet that would have to be saved.
"""

import contextlib
import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130  # What a shell reports for a program that Ctrl-C ended.


def end_at_once(number: int = signal.SIGINT, frame: FrameType | None = None) -> None:
    """Says that the program was interrupted, and ends it; a handler for a signal."""
    with contextlib.suppress(OSError):  # nobody is there to be told
        os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


# Python gives this name to the program while it looks for the launcher of
# `python -m launch.NAME`; whoever imports the package otherwise keeps Ctrl-C.
_IS_STARTED = sys.argv[:1] == ["-m"]
# A shell lets what it starts in the background ignore Ctrl-C, which it then should.
if _IS_STARTED and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, end_at_once)
