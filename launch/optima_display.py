"""What `launch.sweep` shows of a protocol: the optimal rate of every setting."""

import itertools
import math
from collections.abc import Mapping, Sequence

import rich.box
import rich.console
import rich.table

from bsgen.studies import best_runs, optimum_words
from bsgen.sweeps import optima as optima_lib

_MAX_ROWS = 60


def print_optima(optima: optima_lib.Optima) -> None:
    """Prints the best score of each setting and its rate, and the least training loss.

    Needs 80 columns, with two axes beside the rate.
    """
    console = rich.console.Console()
    protocol = optima.protocol
    count = f"best {protocol.keep} of {protocol.of} runs"
    title = f"highest {protocol.metric}" if protocol.higher_is_better else ""
    title = title or f"lowest {protocol.metric}"
    losses = {
        key: found.optimum[protocol.training_loss.column]
        for key, found in optima.by_score.items()
    }
    title = f"{title} in {protocol.part}, {count}"
    _print(console, optima.axes, optima.by_score, protocol.metric, title, losses)
    title = f"lowest training loss, {count}"
    _print(console, optima.axes, optima.by_loss, "training loss", title)
    _say(console, optimum_words.LEGEND)
    if protocol.part == "test":
        _say(console, "runs and rates were selected on the test set, which flatters")
    print_edges(optima)


def print_edges(optima: optima_lib.Optima) -> None:
    """Prints at how many settings the rates tried may be too few."""
    count = len(optima.edges())
    if count:
        words = f"at {count} of {len(optima.by_score)} settings an optimum or its "
        words += "error bar touches an end of the rates (<, >)"
        _say(rich.console.Console(), words)


def print_extension(optima: optima_lib.Optima, number: int) -> None:
    """Prints why a sweep goes on, and with how many settings more."""
    print_edges(optima)
    print(f"learning rates added, in powers of two: {number:,}", flush=True)


def _print(
    console: rich.console.Console,
    axes: Sequence[str],
    sweeps: Mapping[tuple, best_runs.Sweep],
    name: str,
    title: str,
    losses: Mapping[tuple, float] | None = None,
) -> None:
    """Prints the optima of all settings, and the training losses there, if given."""
    shown = rich.table.Table(
        title=title.replace("_", " "),
        title_justify="left",
        box=rich.box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    cells = (name, optimum_words.ALL_RUNS, optimum_words.RATE, optimum_words.MOVES)
    for head in (*axes, *cells, *(["train loss"] if losses else [])):
        in_two_lines = head.replace("_", " ").replace(" ", "\n", 1)
        shown.add_column(in_two_lines, justify="right")
    for key, found in itertools.islice(sweeps.items(), _MAX_ROWS):
        row = optimum_words.row(found, name)
        loss = [_number(losses[key])] if losses else []
        shown.add_row(*map(_cell, key), *(row[cell] for cell in cells), *loss)
    console.print(shown)
    if len(sweeps) > _MAX_ROWS:
        _say(console, f"the first {_MAX_ROWS} of {len(sweeps):,} settings")


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4g}"


def _cell(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _say(console: rich.console.Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True, markup=False)
