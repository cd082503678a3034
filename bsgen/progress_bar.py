"""A progress bar with lines of text above it, shared by all progress displays."""

from typing import Any, TypeVar

import rich.console
import rich.progress

_Self = TypeVar("_Self", bound="Bar")


class Bar:
    """A bar for one task, as a context manager; on a terminal only.

    Where the output is not a terminal, only the lines are printed.
    """

    def __init__(
        self, *columns: rich.progress.ProgressColumn, total: float | None, **fields: Any
    ):
        """Describes the bar; entering it shows it.

        Args:
          *columns: from left to right.
          total: the number of steps of the whole task; None if unknown.
          **fields: for the columns' text, as `task.fields`.
        """
        self._console = rich.console.Console()
        self._bar = rich.progress.Progress(
            *columns,
            console=self._console,
            disable=not self._console.is_terminal,
            # Seconds of recent progress from which the time left is estimated.
            speed_estimate_period=120,
        )
        self._task = self._bar.add_task("", total=total, **fields)

    def __enter__(self: _Self) -> _Self:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Prints one line above the bar."""
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)
