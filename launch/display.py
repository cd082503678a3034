"""What `launch.reproduce` shows: the list of studies, a bar with the time left."""

import shutil
import sys
from collections.abc import Iterable, Sequence

import rich.progress

from bsgen import progress_bar, studies
from bsgen.training import cost

_NAME_WIDTH, _CELL_WIDTH = 24, 22


def list_studies(
    selected: Iterable[studies.Study],
    speed: cost.Speed,
    num_seeds: int | None = None,
    num_processes: int = 1,
) -> None:
    """Prints a line a study: for each scale its size and cost, and its title.

    The size counts runs and measurements; the cost is in minutes, and in images, the
    examples that the steps of SGD take. Both are for the study alone; studies share
    runs. On a terminal the title is cut to fit; piped output has all of it.

    Args:
      selected: what to list.
      speed: of the machine; measurements are said as on one core of an AMD EPYC.
      num_seeds: repeats; None for the scale's own number.
      num_processes: that divide the work of a study, if it is large.
    """
    selected = list(selected)
    found = {scale for study in selected for scale in study.scales}
    scales = [scale for scale in studies.SCALES if scale in found]
    headings = [f"{scale:>8} {'min':>5} {'images':>6}" for scale in scales]
    _print_line("study", headings, "what it shows")
    for study in selected:
        cells = [
            _size(study, scale, num_seeds, speed, num_processes)
            if scale in study.scales
            else ""
            for scale in scales
        ]
        _print_line(study.name, cells, study.title)
    print(f"runs and measurements; images trained on; minutes of {speed.device}")


def _size(
    study: studies.Study,
    scale: str,
    num_seeds: int | None,
    speed: cost.Speed,
    num_processes: int,
) -> str:
    runs = study.runs(scale, num_seeds)
    measurements = study.measurements(scale, num_seeds)
    kept = {run.key for entry in measurements for run in entry.runs}
    measuring = sum(entry.seconds for entry in measurements)
    minutes = cost.total_seconds(runs, kept, speed, measuring, num_processes) / 60
    shown = f"{minutes:.1f}" if minutes < 100 else f"{minutes:.0f}"
    images = _short(sum(map(cost.images, runs)))
    return f"{len(runs) + len(measurements):>8} {shown:>5} {images:>6}"


def _short(number: float) -> str:
    """Returns a number of two or three digits with k, M, G or T, such as 3.4M."""
    if not number:
        return "-"
    for unit in ("", "k", "M", "G"):
        if number < 999.5:
            return f"{number:.2g}{unit}" if number < 9.95 else f"{number:.0f}{unit}"
        number /= 1000
    return f"{number:.3g}T"


def _print_line(name: str, cells: Sequence[str], title: str) -> None:
    columns = "".join(f"{cell:>{_CELL_WIDTH}}" for cell in cells)
    line = f"{name:{_NAME_WIDTH}}{columns}  {title}"
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        line = line if len(line) <= width else f"{line[: width - 1]}…"
    print(line)


class CampaignBar(progress_bar.Bar):
    """A line that says how much there is to do, above a bar with the time left."""

    def __init__(
        self,
        num_runs: int,
        num_measurements: int,
        expected_seconds: float,
        minutes: float,
    ):
        """Describes the work ahead.

        Args:
          num_runs: how many runs will be trained.
          num_measurements: how many measurements will be made.
          expected_seconds: of all of them; `advance` counts in the same unit.
          minutes: that this machine is expected to take.
        """
        work = [f"{num_runs} runs"] if num_runs or not num_measurements else []
        work += [f"{num_measurements} measurements"] if num_measurements else []
        super().__init__(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.TaskProgressColumn(),
            rich.progress.TextColumn("so far"),
            rich.progress.TimeElapsedColumn(),
            rich.progress.TextColumn("left"),
            rich.progress.TimeRemainingColumn(),
            total=expected_seconds,
        )
        self.say(f"{' and '.join(work)} to make, about {minutes:.2g} min")
        # Checks, plans and compiles, which takes half a minute for many runs.
        self._bar.update(self._task, description="preparing")

    def advance(self, seconds: float) -> None:
        """Counts expected seconds of work as done."""
        self._bar.update(self._task, advance=seconds, description="working")
