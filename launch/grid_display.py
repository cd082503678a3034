"""What `launch.sweep` shows: a bar with counts and the time left, and the best."""

import itertools
import math
from collections.abc import Iterable

import rich.box
import rich.console
import rich.progress
import rich.table

from bsgen import config, progress_bar
from bsgen.sweeps import folder, results
from bsgen.training import calibration, cost, records

from . import optima_display

_PIECES = 10  # lines in all, where the output is no terminal
_LINE_RUNS = 50
_MAX_ROWS = 20


class SweepBar(progress_bar.Bar):
    """A bar with finished and diverged runs and the time left; lines when piped."""

    def __init__(
        self,
        settings: Iterable[Iterable[config.RunConfig]],
        store: records.RunStore,
        num_processes: int = 1,
    ):
        """Describes the work ahead.

        Args:
          settings: the runs of each.
          store: has those that are finished.
          num_processes: that train.
        """
        runs = list(itertools.chain(*settings))
        missing = store.missing(runs)
        self._left = {run.key: cost.seconds(run) for run in missing}
        self._num_runs = len({run.key for run in runs})
        self._num_diverged = 0
        super().__init__(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.TaskProgressColumn(),
            rich.progress.TimeElapsedColumn(),
            rich.progress.TextColumn("left"),
            rich.progress.TimeRemainingColumn(),
            total=sum(self._left.values()),
        )
        if missing:
            speed = calibration.known() or cost.ONE_CORE
            seconds = cost.total_seconds(
                missing, speed=speed, most_processes=num_processes
            )
            counts = f"{len(missing):,} of {self._num_runs:,} runs to train"
            self.say(f"{counts}, about {seconds / 60:.2g} min")
        self._show()

    def advance(self, seconds: float) -> None:
        """Counts expected seconds of work as done."""
        self._bar.advance(self._task, seconds)

    def finished(self, record: records.RunRecord) -> None:
        """Counts a run that has ended."""
        before = self._pieces()
        self._left.pop(record.run.key, None)
        self._num_diverged += record.status == results.DIVERGED
        self._show()
        if self._pieces() > before and not self._console.is_terminal:
            self.say(self._words())

    def finished_elsewhere(self, record: records.RunRecord) -> None:
        """Counts a run, and the work that it took on another machine."""
        self.advance(self._left.get(record.run.key, 0.0))
        self.finished(record)

    def warn(self, line: str) -> None:
        """Shows a warning."""
        self.say(f"warning: {line}")

    def _pieces(self) -> int:
        return _PIECES * (self._num_runs - len(self._left)) // self._num_runs

    def _show(self) -> None:
        self._bar.update(self._task, description=self._words())

    def _words(self) -> str:
        diverged = f", {self._num_diverged:,} diverged" if self._num_diverged else ""
        done = self._num_runs - len(self._left)
        return f"{done:,} of {self._num_runs:,} runs{diverged}"


class WorkerBar(progress_bar.Bar):
    """How many runs a worker has trained; lines of every so many when piped."""

    def __init__(self) -> None:
        self._count = 0
        super().__init__(
            rich.progress.TextColumn("{task.completed:,.0f} runs trained here"),
            rich.progress.TimeElapsedColumn(),
            total=None,
        )

    def finished(self, record: records.RunRecord) -> None:
        """Counts a run that has ended."""
        self._count += 1
        self._bar.advance(self._task)
        if self._count % _LINE_RUNS == 0 and not self._console.is_terminal:
            self.say(f"{self._count:,} runs trained here")

    def warn(self, line: str) -> None:
        """Shows a warning."""
        self.say(f"warning: {line}")


def print_summary(summary: results.Summary) -> None:
    """Prints the best settings, and how many runs have ended; needs 80 columns."""
    console = rich.console.Console()
    settings = summary.settings
    if summary.optima:
        optima_display.print_optima(summary.optima)
    elif summary.metrics:
        order = settings.sort_values(
            summary.metrics[0], ascending=not summary.higher_is_better
        )
        console.print(_table(summary, order[:_MAX_ROWS]))
        if len(settings) > _MAX_ROWS:
            _say(console, f"the {_MAX_ROWS} best of {len(settings):,} settings")
    parts = [f"{n:,} {status}" for status, n in summary.counts.items() if n]
    _say(console, f"{sum(summary.counts.values()):,} runs: {', '.join(parts)}")
    if not summary.optima:
        _say(console, _best(summary))


def print_files(summary: results.Summary, output_dir: str) -> None:
    """Prints where table and picture are."""
    names = [folder.TABLE]
    names += [folder.OPTIMA, folder.RATES] if summary.optima else []
    print(f"table: {', '.join(f'{output_dir}/{name}' for name in names)}")
    if summary.metrics:
        print(f"picture: {output_dir}/{folder.PICTURE}")


def _table(summary: results.Summary, settings) -> rich.table.Table:  # type: ignore[no-untyped-def]
    shown = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False)
    for name in (*summary.axes, "runs", "diverged"):
        shown.add_column(name.replace("_", " "), justify="right")
    for name in summary.metrics:
        shown.add_column(name.replace("_", " "), justify="right", no_wrap=True)
    for _, row in settings.iterrows():
        cells = [_cell(row[name]) for name in summary.axes]
        cells += [f"{row['runs']:g}", f"{row['diverged']:g}" if row["diverged"] else ""]
        cells += [_interval(row, metric) for metric in summary.metrics]
        shown.add_row(*cells)
    return shown


def _best(summary: results.Summary) -> str:
    if summary.best is None:
        return "no setting has completed all of its runs"
    row = summary.settings.loc[summary.best]
    setting = ", ".join(
        f"{name.replace('_', ' ')} {_cell(row[name])}" for name in summary.axes
    )
    reached = ", ".join(
        f"{metric.replace('_', ' ')} {_interval(row, metric)}"
        for metric in summary.metrics
    )
    how = "by validation"
    if not summary.by_validation:
        how = "by the test set, which flatters it: give --validation_size"
    return f"best setting ({how}): {setting}: {reached}"


def _interval(row, metric: str) -> str:  # type: ignore[no-untyped-def]
    if math.isnan(row[metric]):
        return ""
    reach = row[f"{metric}_upper"] - row[metric]
    return f"{row[metric]:.4f}" + (f" ±{reach:.4f}" if math.isfinite(reach) else "")


def _cell(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _say(console: rich.console.Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True, markup=False)
