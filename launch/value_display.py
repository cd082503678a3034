"""What a measure shows while it runs: products so far, the value and its error."""

import math
import time
from types import TracebackType
from typing import TYPE_CHECKING

import rich.console
import rich.progress

if TYPE_CHECKING:
    from bsgen.measures import progress

_SECONDS_PER_LINE = 30.0  # where the output is no terminal


class ValueDisplay:
    """A bar for the measure that runs; a line for each that is done."""

    def __init__(self) -> None:
        self._console = rich.console.Console()
        self._bar = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.TextColumn("{task.completed} of at most {task.total}"),
            rich.progress.TextColumn("{task.fields[value]}"),
            rich.progress.TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._name, self._next_line = "", 0.0
        self._task = self._bar.add_task("", total=None, value="")

    def __enter__(self) -> "ValueDisplay":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def start(self, name: str) -> None:
        """Says which measure begins."""
        self._name, self._next_line = name, time.monotonic()
        self._bar.reset(self._task, description=name, total=None, value="")

    def advance(self, told: "progress.Progress") -> None:
        """Shows how far the measure is; where piped, in a line now and then."""
        value = "" if math.isnan(told.value) else f"{told.value:.5g} ± {told.error:.2g}"
        done, limit = told.num_products, told.max_products
        self._bar.update(self._task, completed=done, total=limit, value=value)
        now = time.monotonic()
        if not self._console.is_terminal and now >= self._next_line:
            self.say(f"{self._name}, {done} of at most {limit}: {value}")
            self._next_line = now + _SECONDS_PER_LINE

    def say(self, text: str) -> None:
        """Prints one line above the bar."""
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)
