"""The launchers: absl flags in, one library call out.

Until `entry.run` takes over, Ctrl-C ends a launcher at once and without a traceback:
there is nothing to save yet.
"""

import contextlib
import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130  # A shell's exit status for a program that Ctrl-C ended.


def end_at_once(number: int = signal.SIGINT, frame: FrameType | None = None) -> None:
    """Signal handler: prints that the program was interrupted, and ends it."""
    with contextlib.suppress(OSError):  # stderr may be closed
        os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


# While Python looks for the launcher of `python -m launch.NAME`, sys.argv starts with
# "-m". Any other import of the package leaves Ctrl-C alone.
_IS_STARTED = sys.argv[:1] == ["-m"]
# A shell makes its background jobs ignore Ctrl-C; that is kept.
if _IS_STARTED and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, end_at_once)
