"""The results of an output folder as Markdown: `docs/RESULTS.md` and README's table.

Nothing in either is typed by hand: `launch.report --markdown` writes both from the
records.
"""

import os
import pathlib
from collections import Counter
from collections.abc import Iterable, Sequence

import pandas as pd

from bsgen import errors, studies
from bsgen.files import atomic
from bsgen.reports import captions, cells, contents
from bsgen.studies import claims

BEGIN = "<!-- Written by launch.report --markdown, down to the next such line: -->"
END = "<!-- End of what launch.report --markdown writes. -->"
SUMMARY_HEADINGS = ("study", "what it shows", "hold", "fail", "undecided")
CLAIM_HEADINGS = ("claim", "predicted", "measured [95 % interval]", "verdict")
_INTRODUCTION = """\
# Every claim, with what was measured

Written by `python -m launch.report --markdown` from recorded runs; do not edit. A
verdict is `holds` where the whole interval lies in what is predicted, `fails` where
none of it does, and `undecided` otherwise. The page of the same folder, `report.html`,
has for each claim the quantity that is measured and how the interval was made, and
every figure."""


def write(
    output_dir: str | os.PathLike,
    known: Iterable[studies.Study],
    project: str | os.PathLike = ".",
) -> None:
    """Writes `docs/RESULTS.md` and the lines of `README.md` between the two markers.

    Args:
      output_dir: of the studies.
      known: the studies to look for.
      project: the folder with `README.md`.

    Raises:
      UserError: see `contents.read`; or there is no `README.md` with both markers.
    """
    finished, _ = contents.read(output_dir, known)
    readme = pathlib.Path(project) / "README.md"
    text = readme.read_text() if readme.exists() else ""
    before, begin, rest = text.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(END)
    if not (begin and end):
        remedy = "there is no README.md with the two markers of bsgen.reports.markdown"
        raise errors.UserError("markdown", str(project), remedy)
    path = pathlib.Path(project) / "docs" / "RESULTS.md"
    atomic.write(path, results(finished).encode())
    lines = f"{before}{begin}\n{summary(finished)}\n\n{end}{after}"
    atomic.write(readme, lines.encode())


def summary(finished: Sequence[contents.Finished]) -> str:
    """Returns how many claims of each study hold, in a sentence and a table."""
    rows = []
    for entry in finished:
        number = Counter(claim.verdict for claim in entry.judged)
        counts = (number[v] for v in (claims.HOLDS, claims.FAILS, claims.UNDECIDED))
        name = f"`{entry.study.name}`"
        rows.append([name, entry.study.title, *(str(n or "") for n in counts)])
    return f"{_totals(finished)}\n\n{_table(SUMMARY_HEADINGS, rows)}"


def results(finished: Sequence[contents.Finished]) -> str:
    """Returns every claim of every study, with the table where a study shows one."""
    parts = [_INTRODUCTION, _totals(finished)]
    for entry in finished:
        parts.append(f"## `{entry.study.name}`: {entry.study.title}")
        settings = captions.settings(entry.results, entry.config["scale"])
        parts.append(f"{settings} {captions.hardware(entry.results)}".strip())
        shown = entry.folder.read_table()
        if shown is not None:
            parts.append(_table(*cells.of_table(shown)))
        rows = [
            [claim.claim, claim.predicted, cells.measured(claim), claim.verdict]
            for claim in entry.judged
        ]
        parts.append(_table(CLAIM_HEADINGS, rows))
    return "\n\n".join(parts) + "\n"


def _totals(finished: Sequence[contents.Finished]) -> str:
    """Returns verdicts and work in one sentence; runs that studies share count once."""
    words = claims.summary(claim for entry in finished for claim in entry.judged)
    training = _seconds(entry.results.runs for entry in finished)
    measuring = _seconds(entry.results.measurements for entry in finished)
    minutes = sum([*training.values(), *measuring.values()]) / 60
    return (
        f"**{words}**, from {len(training):,} runs and {len(measuring):,} measurements "
        f"({minutes:.0f} min of training and measuring)."
    )


def _seconds(tables: Iterable[pd.DataFrame]) -> dict[str, float]:
    """Returns how long each run, or measurement, took by its key."""
    return {
        key: seconds
        for table in tables
        if len(table)
        for key, seconds in zip(table["key"], table["seconds"], strict=True)
    }


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)
