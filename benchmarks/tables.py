"""Tables of results as text."""

import json
import statistics
from collections.abc import Iterable, Sequence

import rich.console
import rich.table

from benchmarks import shared_flags, stopwatch

_WIDTH = 200  # columns, so that nothing is wrapped where the output is not a terminal
SPEEDS = ("least-most", "ours / it", "least-most")


def text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table; the first column is aligned left, the others right."""
    table = rich.table.Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = rich.console.Console(width=_WIDTH, color_system=None, markup=False)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def speeds(result: stopwatch.Result, ours: stopwatch.Result) -> list[str]:
    """Returns the cells of a contender's median rate, and of `SPEEDS`.

    Ratios are taken within each round, because a machine's load changes.
    """
    rates = result.rates
    ratios = [own / rate for own, rate in zip(ours.rates, rates, strict=True)]
    return [
        f"{statistics.median(rates):,.0f}",
        f"{min(rates):,.0f}-{max(rates):,.0f}",
        f"{statistics.median(ratios):.2f}",
        f"{min(ratios):.2f}-{max(ratios):.2f}",
    ]


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table, and appends it to the file of --tables_file, if there is one."""
    print(f"\n{title}\n{text(columns, rows)}", flush=True)
    if shared_flags.TABLES_FILE.value:
        line = {"title": title, "columns": columns, "rows": rows}
        with open(shared_flags.TABLES_FILE.value, "a") as file:
            print(json.dumps(line), file=file)
