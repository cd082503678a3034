"""What `launch.measure` shows: products so far, the value and its error."""

import math
import time
from typing import TYPE_CHECKING

import rich.progress

from bsgen import progress_bar

if TYPE_CHECKING:
    from bsgen.measures import progress

_SECONDS_PER_LINE = 30.0  # where the output is not a terminal


class ValueDisplay(progress_bar.Bar):
    """A bar for the running measure; a line for each finished one."""

    def __init__(self) -> None:
        super().__init__(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.TextColumn("{task.fields[count]}"),
            rich.progress.TextColumn("{task.fields[value]}"),
            rich.progress.TimeElapsedColumn(),
            total=None,
            count="",
            value="",
        )
        self._name, self._next_line = "", 0.0

    def start(self, name: str) -> None:
        """Shows which measure begins."""
        self._name, self._next_line = name, time.monotonic()
        self._bar.reset(self._task, description=name, total=None, count="", value="")

    def advance(self, told: "progress.Progress") -> None:
        """Shows the progress of the measure; in occasional lines where piped."""
        value = "" if math.isnan(told.value) else f"{told.value:.5g} ± {told.error:.2g}"
        done, limit = told.num_products, told.max_products
        count = f"{done}" if limit is None else f"{done} of at most {limit}"
        self._bar.update(
            self._task, completed=done, total=limit, count=count, value=value
        )
        now = time.monotonic()
        if not self._console.is_terminal and now >= self._next_line:
            self.say(f"{self._name}, {count}" + (f": {value}" if value else ""))
            self._next_line = now + _SECONDS_PER_LINE
