"""What `launch.sweep` shows of a protocol: the optimal rate of every setting."""

import math

import pandas as pd
import rich.box
import rich.console
import rich.table

from bsgen.sweeps import optima as optima_lib

_MAX_ROWS = 60
_EDGES = {"lower": " <", "upper": " >", "both": " <>", "": ""}
_LEGEND = (
    "std: standard deviation of the runs that count; error bar: the rates whose mean "
    "lies within one of the best; all runs: their plain mean; moves: how often seeds "
    "drawn anew have another optimum"
)


def print_optima(optima: optima_lib.Optima) -> None:
    """Prints the best score of each setting and its rate, and the least training loss.

    Needs 80 columns, with two axes beside the rate.
    """
    console = rich.console.Console()
    table, protocol = optima.table(), optima.protocol
    count = f"best {protocol.keep} of {protocol.of} runs"
    title = f"highest {protocol.metric}" if protocol.higher_is_better else ""
    title = title or f"lowest {protocol.metric}"
    _print(console, optima, table, "", f"{title} in {protocol.part}, {count}")
    _print(console, optima, table, "loss_", f"lowest training loss, {count}")
    _say(console, _LEGEND)
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
    optima: optima_lib.Optima,
    table: pd.DataFrame,
    prefix: str,
    title: str,
) -> None:
    shown = rich.table.Table(
        title=title.replace("_", " "),
        title_justify="left",
        box=rich.box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    heads = [*optima.axes, "mean", "std", "all runs", "rate", "error bar", "moves"]
    if not prefix:
        heads.append("train loss")
    for head in heads:
        shown.add_column(head.replace("_", " "), justify="right")
    for _, row in table[:_MAX_ROWS].iterrows():
        cells = [_cell(row[axis]) for axis in optima.axes]
        cells += _optimum(row, prefix)
        if not prefix:
            cells.append(_number(row["train_loss"]))
        shown.add_row(*cells)
    console.print(shown)
    if len(table) > _MAX_ROWS:
        _say(console, f"the first {_MAX_ROWS} of {len(table):,} settings")


def _optimum(row: pd.Series, prefix: str) -> list[str]:
    if math.isnan(row[f"{prefix}rate"]):
        return ["too few runs", "", "", "", "", ""]
    low, high = row[f"{prefix}rate_low"], row[f"{prefix}rate_high"]
    edge = _EDGES[row[f"{prefix}edge"]]
    return [
        _number(row["loss" if prefix else "score"]),
        f"{row[f'{prefix}std']:.2g}",
        _number(row[f"{prefix}plain"]),
        _cell(row[f"{prefix}rate"]),
        f"{low:g}-{high:g}{edge}",
        f"{row[f'{prefix}moves']:.0%}",
    ]


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4g}"


def _cell(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _say(console: rich.console.Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True, markup=False)
