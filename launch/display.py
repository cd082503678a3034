"""What launchers show while they work: a table of studies, a bar with the time left."""

from collections.abc import Iterable
from types import TracebackType

import rich.console
import rich.progress
import rich.table

from bsgen import studies


def list_studies(selected: Iterable[studies.Study]) -> None:
    """Prints every study with its title and, for each scale, runs and minutes.

    Minutes are for two cores and for the study alone; studies share runs.
    """
    from bsgen.training import cost

    table = rich.table.Table(box=None, pad_edge=False)
    for heading in ("study", "title"):
        table.add_column(heading, overflow="fold")
    for heading in ("scale", "runs", "minutes"):
        table.add_column(heading, justify="right")
    for study in selected:
        labels = [study.name, study.title]
        for scale in study.scales:
            runs = {run.key: run for run in study.runs(scale)}
            minutes = sum(map(cost.seconds, runs.values())) / 60
            table.add_row(*labels, scale, str(len(runs)), f"{minutes:.1f}")
            labels = ["", ""]
    rich.console.Console().print(table)


class Progress:
    """A progress bar with the time left; plain lines where the output is piped."""

    def __init__(self, num_runs: int, expected_seconds: float):
        """Shows how many runs are ahead.

        Args:
          num_runs: to be trained.
          expected_seconds: of all of them; `advance` counts in the same unit.
        """
        self._console = rich.console.Console()
        self._bar = rich.progress.Progress(
            rich.progress.TextColumn("training {task.fields[runs]} runs"),
            rich.progress.BarColumn(),
            rich.progress.TaskProgressColumn(),
            rich.progress.TimeElapsedColumn(),
            rich.progress.TextColumn("left"),
            rich.progress.TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            speed_estimate_period=60,
        )
        self._task = self._bar.add_task("", total=expected_seconds, runs=num_runs)
        if not self._console.is_terminal:
            self.say(f"training {num_runs} runs, about {expected_seconds / 60:.2g} min")

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def advance(self, seconds: float) -> None:
        """Counts expected seconds of work as done."""
        self._bar.advance(self._task, seconds)

    def say(self, text: str) -> None:
        """Prints one line above the bar."""
        self._console.print(text, highlight=False, soft_wrap=True)
