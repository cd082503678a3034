"""What `launch.sweep --rule_of_thumb` shows: each setting that ends, and the result."""

import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import rich.box
import rich.console
import rich.progress
import rich.table

from bsgen import errors, progress_bar
from bsgen.files import sealed_json

if TYPE_CHECKING:
    from bsgen.tuning.procedures import outcomes, settings

RESULT = "rule_of_thumb.json"


class BoundaryBar(progress_bar.Bar):
    """A bar for the setting that trains, and a line for each one that has ended."""

    def __init__(self) -> None:
        super().__init__(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.TaskProgressColumn(),
            rich.progress.TimeElapsedColumn(),
            total=None,
        )

    def began(self, setting: "settings.Setting", seconds: float) -> None:
        """Shows what trains now, for an expected time."""
        self._bar.reset(self._task, total=seconds, description=setting.words())

    def advance(self, seconds: float) -> None:
        """Counts expected seconds of work as done."""
        self._bar.advance(self._task, seconds)


def tried(
    setting: "settings.Setting", outcome: "outcomes.Outcome", lower_is_better: bool
) -> dict[str, Any]:
    """Returns a setting and what it reached, as JSON's types."""
    sign = -1 if lower_is_better else 1
    return {
        "batch_size": setting.batch_size,
        "learning_rate": setting.learning_rate,
        "values": [sign * score for score in outcome.scores.values()],
        "status": outcome.status,
    }


def in_words(entry: Mapping[str, Any]) -> str:
    """Returns what a setting has reached, with its standard error as in decisions.

    Args:
      entry: as `tried` returns it.
    """
    values = np.array(entry["values"], float)
    if entry["status"] != "completed" or not len(values):
        return str(entry["status"])
    if len(values) == 1:
        return f"{values[0]:.4g}"
    error = values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():.4g} ± {error:.2g}"


def read(folder: pathlib.Path) -> dict[str, Any] | None:
    """Returns the result in a folder; None if there is none.

    Raises:
      UserError: it is damaged.
    """
    try:
        found = sealed_json.read(folder / RESULT)
        if found is not None and not {"words", "tried", "metric"} <= set(found):
            raise sealed_json.Damaged("it lacks an entry")
    except sealed_json.Damaged as error:
        remedy = f"{RESULT} is damaged ({error}); the command that made it writes it "
        remedy += "again from the finished runs"
        raise errors.UserError("output_dir", str(folder), remedy) from error
    return found


def print_result(found: Mapping[str, Any], folder: pathlib.Path) -> None:
    """Prints the settings tried and what is recommended.

    Args:
      found: as `read` returns it.
      folder: that holds it.
    """
    console = rich.console.Console()
    shown = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False)
    metric = found["metric"].replace("_", " ")
    for head in ("batch size", "learning rate", "runs", metric):
        shown.add_column(head, justify="right")
    order = sorted(
        found["tried"], key=lambda each: (each["batch_size"], each["learning_rate"])
    )
    for entry in order:
        cells = f"{entry['batch_size']:,}", f"{entry['learning_rate']:g}"
        shown.add_row(*cells, str(len(entry["values"])), in_words(entry))
    console.print(shown)
    console.print(found["words"], highlight=False, soft_wrap=True, markup=False)
    print(f"result: {folder / RESULT}")
