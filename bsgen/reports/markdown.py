"""The results of an output folder as Markdown, for the documentation.

Of quick studies: `docs/RESULTS.md`, README's table of papers and those pictures that
the documentation has. Of others: a part of `docs/REDUCED_SCALE.md`,
`docs/GPU_SCALE.md` or `docs/PAPER_SCALE.md`, with all pictures. Nothing in these is
typed by hand: `launch.report --markdown` writes them from the records.
"""

import os
import pathlib
from collections import Counter
from collections.abc import Iterable, Sequence

from bsgen import errors, studies
from bsgen.figures import style
from bsgen.files import atomic
from bsgen.reports import captions, cells, citations, contents, tallies, verdicts
from bsgen.studies import claims

BEGIN = "<!-- Written by launch.report --markdown, down to the next such line: -->"
END = "<!-- End of what launch.report --markdown writes. -->"
_COUNTS = "hold", "fail", "undecided", "besides"
PAPER_HEADINGS = ("paper", "key", *_COUNTS)
SUMMARY_HEADINGS = ("study", "what it shows", *_COUNTS)
UNSETTLED_HEADINGS = ("study", "claim", "verdict", "why")
CLAIM_HEADINGS = (
    *("claim", "predicted", "measured [95 % interval]"),
    *("verdict", "sureness", "p"),
)
_RESULTS = "docs/RESULTS.md"
_FILES = {
    "quick": _RESULTS,
    "reduced": "docs/REDUCED_SCALE.md",
    "gpu": "docs/GPU_SCALE.md",
    "paper": "docs/PAPER_SCALE.md",
    "released": "docs/PAPER_SCALE.md",
}
_INTRODUCTION = """\
# Every claim, with what was measured

Written by `python -m launch.report --markdown` from recorded runs; do not edit. The
page of the same folder, `report.html`, has for each claim the quantity that is measured
and how the interval was made, and every figure."""


def write(
    output_dir: str | os.PathLike,
    known: Iterable[studies.Study],
    project: str | os.PathLike = ".",
) -> list[str]:
    """Writes the results of an output folder into the documentation.

    Args:
      output_dir: of the studies, whose results go to one file.
      known: the studies to look for.
      project: the folder with `README.md` and `docs`.

    Returns:
      The files that were written, pictures left out.

    Raises:
      UserError: see `contents.read`; no study has results; studies whose results go
        to different files share the folder; or a file to write into lacks the two
        markers.
    """
    finished, _ = contents.read(output_dir, known)
    if not finished:
        remedy = "no study there has results; launch.reproduce trains what is missing"
        raise errors.UserError("markdown", str(output_dir), remedy)
    scales = {entry.config["scale"] for entry in finished}
    file, *more = {_FILES[scale] for scale in scales}
    if more:
        remedy = f"holds studies of the scales {', '.join(sorted(scales))}; their "
        remedy += "results go to different files"
        raise errors.UserError("markdown", str(output_dir), remedy)
    folder = pathlib.Path(project)
    if file == _RESULTS:
        _replace_marked(folder / "README.md", by_paper(finished))
        atomic.write(folder / _RESULTS, results(finished).encode())
        _write_pictures(folder, (e for e in finished if _path(folder, e).exists()))
        return ["README.md", _RESULTS]
    _replace_marked(folder / file, sections(finished, "images"))
    _write_pictures(folder, finished)
    return [file]


def by_paper(finished: Sequence[contents.Finished]) -> str:
    """Returns how many claims of each paper hold, in a sentence and a table."""
    judged: dict[str, list[claims.Claim]] = {}
    for entry in finished:
        judged.setdefault(tallies.paper_of(entry), []).extend(entry.judged)
    rows = []
    for paper, found in judged.items():
        title = ": ".join(
            filter(None, (citations.authors(paper), citations.source(paper)))
        )
        rows.append([title, f"`{paper}`", *_counts(found)])
    return f"{_totals(finished)}\n\n{_table(PAPER_HEADINGS, rows)}"


def by_study(finished: Sequence[contents.Finished]) -> str:
    """Returns how many claims of each study hold, as a table."""
    return _table(
        SUMMARY_HEADINGS,
        [
            [f"`{entry.study.name}`", entry.study.title, *_counts(entry.judged)]
            for entry in finished
        ],
    )


def _counts(judged: Sequence[claims.Claim]) -> list[str]:
    number = Counter(c.verdict for c in judged if c.kind == claims.PAPER)
    counts = (number[v] for v in (claims.HOLDS, claims.FAILS, claims.UNDECIDED))
    return [*(str(n or "") for n in counts), claims.besides(judged)]


def results(finished: Sequence[contents.Finished]) -> str:
    """Returns every claim of every study, with the table where a study shows one."""
    legend = "\n".join(f"- **{word}.** {text}" for word, text in verdicts.LEGEND)
    return f"{_INTRODUCTION}\n\n{legend}\n\n{sections(finished)}\n"


def sections(finished: Sequence[contents.Finished], pictures: str | None = None) -> str:
    """Returns a row a study, what fails or is undecided, and a section a study.

    Args:
      finished: the studies.
      pictures: the folder of their pictures, seen from the text; None shows none.
    """
    parts = [_totals(finished), captions.hardware(e.results for e in finished)]
    parts += [by_study(finished), *_unsettled(finished)]
    for entry in finished:
        parts.append(f"## `{entry.study.name}`: {entry.study.title}")
        settings = captions.settings(entry.results, entry.config["scale"])
        parts.append(f"{settings} {captions.hardware([entry.results])}".strip())
        if entry.results.num_missing:
            parts.append(f"**{entry.warning()}**")
        if pictures and entry.folder.read_figure() is not None:
            parts.append(f"![{entry.study.title}]({pictures}/{_picture(entry)})")
        shown = entry.folder.read_table()
        if shown is not None:
            parts.append(_table(*cells.of_table(shown)))
        judged = verdicts.grouped(entry.judged)
        parts.append(_table(CLAIM_HEADINGS, map(_row, judged)))
    return "\n\n".join(filter(None, parts))


def _unsettled(finished: Sequence[contents.Finished]) -> list[str]:
    """Returns paragraphs on what fails, is undecided or would be, among so many."""
    rows = [
        [f"`{name}`", _words(claim), claim.verdict, verdicts.why(claim)]
        for name, claim in verdicts.unsettled(finished)
    ]
    caveats = verdicts.caveats(finished)
    parts = ["## What fails, and what stays undecided"] if rows or caveats else []
    if rows:
        parts.append(_table(UNSETTLED_HEADINGS, rows))
    for words, affected in caveats:
        items = (f"- `{n}`: {c.claim} ({cells.strength(c)})" for n, c in affected)
        parts += [words, "\n".join(items)]
    return parts


def _row(claim: claims.Claim) -> list[str]:
    sureness = cells.sureness(claim) + (", below the aim" if claim.is_unsure else "")
    measured, p_value = cells.measured(claim), cells.p_value(claim)
    return [
        *(_words(claim), claim.predicted, measured),
        *(claim.verdict, sureness, p_value),
    ]


def _words(claim: claims.Claim) -> str:
    """Returns the claim, with its kind if that is not a claim of the paper."""
    return claim.claim if claim.kind == claims.PAPER else f"{claim.kind}: {claim.claim}"


def _write_pictures(
    project: pathlib.Path, finished: Iterable[contents.Finished]
) -> None:
    for entry in finished:
        if (picture := entry.folder.read_figure()) is not None:
            atomic.write(_path(project, entry), style.with_fewer_colors(picture))


def _path(project: pathlib.Path, entry: contents.Finished) -> pathlib.Path:
    return project / "docs" / "images" / _picture(entry)


def _picture(entry: contents.Finished) -> str:
    return f"{entry.study.name.replace('/', '_')}_{entry.config['scale']}.png"


def _replace_marked(path: pathlib.Path, written: str) -> None:
    """Replaces the lines of a file between the two markers."""
    text = path.read_text() if path.exists() else ""
    before, begin, rest = text.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(END)
    if not (begin and end):
        remedy = f"there is no {path.name} with the two markers of "
        remedy += "bsgen.reports.markdown"
        raise errors.UserError("markdown", str(path.parent), remedy)
    lines = f"{before}{begin}\n{written}\n\n{end}{after}"
    atomic.write(path, lines.encode())


def _totals(finished: Sequence[contents.Finished]) -> str:
    """Returns verdicts and work in one sentence; runs that studies share count once."""
    words = claims.summary(claim for entry in finished for claim in entry.judged)
    work = captions.work(entry.results for entry in finished)
    return f"**{words}**, from {work}. {verdicts.besides(finished)}".strip()


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)
