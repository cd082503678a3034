"""Standard output and error that a launcher can always write to.

- A closed stream (`>&-`) is opened as /dev/null: otherwise a file that is opened later
  would get its number, and the text meant for the terminal.
- Characters that the encoding lacks are spelled with others.
- When a reader has left (`| head -1`), the program ends silently, with the status that
  a shell reports for SIGPIPE; when the disk is full, with one line on stderr and 1.
- Failed writes to stderr are ignored.
"""

import codecs
import errno
import io
import os
import sys
from collections.abc import Callable
from typing import TextIO

BROKEN_PIPE = 141  # 128 + SIGPIPE
_SPELLED = {"±": "+-", "×": "x", "→": "->", "…": "...", "–": "-", "—": "-", "━": "-"}
_SPELLED |= {"∞": "inf", "≤": "<=", "≥": ">="}


def prepare() -> None:
    """Replaces `sys.stdout` and `sys.stderr`; call it before anything is written."""
    codecs.register_error("spelled", _spell)
    _fill_gaps()
    sys.stdout = _stream(1, sys.stdout, _end)
    sys.stderr = _stream(2, sys.stderr, lambda error: None)


def flush() -> None:
    """Writes buffered text; call it before the program ends.

    Raises:
      SystemExit: writing to stdout fails.
    """
    sys.stdout.flush()
    sys.stderr.flush()


class _Stream(io.TextIOWrapper):
    """A text stream that switches to /dev/null after its first failure."""

    on_failure: Callable[[OSError], None]

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._fail(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        self.on_failure(error)


def _fill_gaps() -> None:
    """Opens /dev/null in place of each standard stream that is closed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Takes the lowest free number, which is `number`.
            os.open(os.devnull, os.O_RDWR)


def _stream(
    number: int, old: TextIO | None, on_failure: Callable[[OSError], None]
) -> TextIO:
    if old is not None and not isinstance(old, io.TextIOWrapper):
        return old  # replaced already, for example by a test
    stream = _Stream(
        open(number, "wb", closefd=False),
        encoding="utf-8" if old is None else old.encoding,
        errors="spelled",
        line_buffering=old is None or old.line_buffering or number == 2,
        write_through=old is not None and old.write_through,
    )
    stream.on_failure = on_failure
    return stream


def _end(error: OSError) -> None:
    if error.errno == errno.EPIPE:
        sys.exit(BROKEN_PIPE)
    print(f"error: stdout: cannot be written ({error.strerror})", file=sys.stderr)
    sys.exit(1)


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    spelled = (_SPELLED.get(letter, ascii(letter)[1:-1]) for letter in letters)
    return "".join(spelled), error.end
