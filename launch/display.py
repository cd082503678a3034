"""What launchers show while they work: a table of studies, a bar with the time left."""

from collections.abc import Iterable

import rich.console
import rich.progress
import rich.table

from bsgen import studies
from launch import bar


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


class Progress(bar.Bar):
    """A progress bar with the time left; plain lines where the output is piped."""

    def __init__(self, num_runs: int, expected_seconds: float):
        """Shows how many runs are ahead.

        Args:
          num_runs: to be trained.
          expected_seconds: of all of them; `advance` counts in the same unit.
        """
        super().__init__(
            rich.progress.TextColumn("training {task.fields[runs]} runs"),
            rich.progress.BarColumn(),
            rich.progress.TaskProgressColumn(),
            rich.progress.TimeElapsedColumn(),
            rich.progress.TextColumn("left"),
            rich.progress.TimeRemainingColumn(),
            total=expected_seconds,
            runs=num_runs,
        )
        if not self._console.is_terminal:
            self.say(f"training {num_runs} runs, about {expected_seconds / 60:.2g} min")

    def advance(self, seconds: float) -> None:
        """Counts expected seconds of work as done."""
        self._bar.advance(self._task, seconds)
