"""The launchers: absl flags in, one library call out.

`python -m launch.NAME` starts one in a checkout. An installed bsgen has this package as
`bsgen.launch`, whose launchers the command `bsgen NAME` starts.

Until `entry.run` takes over, Ctrl-C ends a launcher at once and without a traceback:
there is nothing to save yet.
"""

import contextlib
import os
import pathlib
import re
import signal
import sys
from types import FrameType

COMMAND = "bsgen"
INTERRUPTED = 130  # A shell's exit status for a program that Ctrl-C ended.


def end_at_once(number: int = signal.SIGINT, frame: FrameType | None = None) -> None:
    """Signal handler: prints that the program was interrupted, and ends it."""
    with contextlib.suppress(OSError):  # stderr may be closed
        os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def as_called(text: str) -> str:
    """Returns a text that names launchers in the way in which this one was started."""
    if not _IS_COMMAND:
        return text
    return re.sub(r"\b(python -m )?launch\.(?=[a-z]+)", f"{COMMAND} ", text)


_IS_COMMAND = bool(sys.argv) and pathlib.Path(sys.argv[0]).name == COMMAND
# While Python looks for the launcher of `python -m launch.NAME`, sys.argv starts with
# "-m". Any other import of the package leaves Ctrl-C alone.
_IS_STARTED = sys.argv[:1] == ["-m"] or _IS_COMMAND
# A shell makes its background jobs ignore Ctrl-C; that is kept.
if _IS_STARTED and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, end_at_once)
