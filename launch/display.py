"""What `launch.reproduce` shows: the list of studies, a bar with the time left."""

from collections.abc import Iterable

import rich.console
import rich.progress
import rich.table

from bsgen import progress_bar, studies


def list_studies(
    selected: Iterable[studies.Study], num_seeds: int | None = None
) -> None:
    """Prints each study with its title and, for each scale, its size and minutes.

    Minutes are for two cores and for the study alone; studies share runs.

    Args:
      selected: what to list.
      num_seeds: repeats; None for the scale's own number.
    """
    from bsgen.training import cost

    table = rich.table.Table(box=None, pad_edge=False)
    table.add_column("study", no_wrap=True)
    table.add_column("title", overflow="fold")
    for heading in ("scale", "runs", "measurements", "minutes"):
        table.add_column(heading, justify="right")
    for study in selected:
        labels = [study.name, study.title]
        for scale in study.scales:
            runs = study.runs(scale, num_seeds)
            measurements = study.measurements(scale, num_seeds)
            seconds = sum(cost.seconds(run) for run in runs)
            seconds += sum(entry.seconds for entry in measurements)
            counts = [str(len(runs)), str(len(measurements) or "")]
            table.add_row(*labels, scale, *counts, f"{seconds / 60:.1f}")
            labels = ["", ""]
    rich.console.Console().print(table)


class CampaignBar(progress_bar.Bar):
    """A progress bar with the time left; plain lines where the output is piped."""

    def __init__(self, num_runs: int, num_measurements: int, expected_seconds: float):
        """Describes the work ahead.

        Args:
          num_runs: how many runs will be trained.
          num_measurements: how many measurements will be made.
          expected_seconds: of all of them; `advance` counts in the same unit.
        """
        work = [f"{num_runs} runs"] if num_runs or not num_measurements else []
        work += [f"{num_measurements} measurements"] if num_measurements else []
        super().__init__(
            rich.progress.TextColumn(" and ".join(work)),
            rich.progress.BarColumn(),
            rich.progress.TaskProgressColumn(),
            rich.progress.TimeElapsedColumn(),
            rich.progress.TextColumn("left"),
            rich.progress.TimeRemainingColumn(),
            total=expected_seconds,
        )
        if not self._console.is_terminal:
            minutes = f"{expected_seconds / 60:.2g}"
            self.say(f"{' and '.join(work)} to make, about {minutes} min")

    def advance(self, seconds: float) -> None:
        """Counts expected seconds of work as done."""
        self._bar.advance(self._task, seconds)
