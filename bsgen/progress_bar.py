"""A progress bar with lines above it: what all progress displays share."""

from types import TracebackType
from typing import Any, TypeVar

import rich.console
import rich.progress

_Self = TypeVar("_Self", bound="Bar")


class Bar:
    """A bar of one task; nothing but the lines where the output is no terminal.

    Use it as a context manager.
    """

    def __init__(
        self, *columns: rich.progress.ProgressColumn, total: float | None, **fields: Any
    ):
        """Makes ready to show a bar of these columns.

        Args:
          *columns: from left to right.
          total: at which the task is completed; None if that is not known.
          **fields: for the columns' text, as `task.fields`.
        """
        self._console = rich.console.Console()
        self._bar = rich.progress.Progress(
            *columns,
            console=self._console,
            disable=not self._console.is_terminal,
            # Seconds over which the time left is estimated.
            speed_estimate_period=120,
        )
        self._task = self._bar.add_task("", total=total, **fields)

    def __enter__(self: _Self) -> _Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Prints one line above the bar."""
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)
