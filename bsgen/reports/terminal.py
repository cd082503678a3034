"""Tables and claims of studies on the terminal."""

import os
from collections.abc import Collection, Iterable

import pandas as pd
import rich.box
import rich.console
import rich.table
import rich.text

from bsgen import studies
from bsgen.reports import captions, cells, contents, verdicts
from bsgen.studies import claims

_STYLES = {claims.HOLDS: "green", claims.FAILS: "red", claims.UNDECIDED: "yellow"}


def print_claims(
    output_dir: str | os.PathLike,
    known: Iterable[studies.Study],
    study_names: Collection[str] | None = None,
    console: rich.console.Console | None = None,
) -> None:
    """Prints tables and claims of finished studies, and how many claims hold.

    A claim has its verdict, the estimate with its 95 % interval and the prediction, and
    how surely it is decided or why it is not. Needs 80 columns; piped output has no
    colours.

    Args:
      output_dir: of the studies.
      known: the studies to look for.
      study_names: of those to print; None prints all in the folder.
      console: to print on; None for the standard output.

    Raises:
      UserError: see `contents.read`.
    """
    console = console or rich.console.Console()
    finished, unfinished = contents.read(output_dir, known)
    shown = [e for e in finished if study_names is None or e.study.name in study_names]
    for entry in shown:
        title = rich.text.Text(f"\n{entry.study.name}", "bold")
        console.print(title.append(f"  {entry.study.title}", "not bold"))
        if warning := entry.warning():
            console.print(warning, style="red", highlight=False)
        if made_on := captions.hardware([entry.results]):
            console.print(made_on, style="dim", highlight=False)
        shown_table = entry.folder.read_table()
        if shown_table is not None:
            console.print(_grid(shown_table))
        console.print(_claims(entry.judged))
    for waiting in unfinished:
        number = f"{waiting.num_recorded} of {waiting.num_needed}"
        line = f"\n{waiting.study.name}  not finished: {number} runs and measurements"
        console.print(line, highlight=False)
    summary = claims.summary(claim for entry in shown for claim in entry.judged)
    console.print(f"\n{summary}", highlight=False)
    if besides := verdicts.besides(shown):
        console.print(besides, highlight=False)


def _grid(shown: pd.DataFrame) -> rich.table.Table:
    headers, rows = cells.of_table(shown)
    table = rich.table.Table(
        *headers,
        box=rich.box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    for row in rows:
        table.add_row(*map(rich.text.Text, row))
    return table


def _claims(judged: list[claims.Claim]) -> rich.table.Table:
    """Returns two columns, verdict and all the rest, so that no text is squeezed."""
    table = rich.table.Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=max(map(len, _STYLES)))
    table.add_column()
    for claim in verdicts.grouped(judged):
        kind = "" if claim.kind == claims.PAPER else f" ({claim.kind})"
        words = rich.text.Text(f"{claim.claim}{kind}\n")
        words.append(f"{cells.measured(claim)}, predicted {claim.predicted}")
        if claim.verdict == claims.UNDECIDED:
            words.append(f"\n{verdicts.why(claim)}", _STYLES[claim.verdict])
        elif sureness := cells.sureness(claim):
            too_low = " (below the aim)" if claim.is_unsure else ""
            words.append(f"; sureness {sureness}{too_low}")
        words.append("\n")
        words.append(claim.quantity, "dim")
        table.add_row(rich.text.Text(claim.verdict, _STYLES[claim.verdict]), words)
    return table
