"""How many claims hold, fail and are undecided, by paper and kind, as links.

A link is a filter of the page, `#paper=...&kind=...&verdict=...`; without its script
the link leads to the first such claim.
"""

from collections.abc import Iterable
from typing import NamedTuple

from bsgen.reports import citations, contents
from bsgen.studies import claims

VERDICTS = claims.HOLDS, claims.FAILS, claims.UNDECIDED
COLUMNS = (
    *((claims.PAPER, verdict) for verdict in VERDICTS),
    *((claims.CHECK, ""), (claims.REPEAT, "")),
)


class Cell(NamedTuple):
    """A number of claims, and the filter that shows them.

    Attributes:
      number: of claims.
      verdict: of all of them; empty if they differ.
      link: the filter, without the number sign.
    """

    number: int
    verdict: str
    link: str


class Row(NamedTuple):
    """The claims of a paper, or of all.

    Attributes:
      name: the paper's authors and year.
      link: the filter of the whole row.
      cells: one a column of `COLUMNS`.
    """

    name: str
    link: str
    cells: list[Cell]


def link(paper: str, kind: str, verdict: str) -> str:
    """Returns a filter; what is empty is not asked for."""
    parts = {"paper": paper, "kind": kind, "verdict": verdict}
    return "&".join(f"{name}={value}" for name, value in parts.items() if value)


def links_of(paper: str, claim: claims.Claim) -> list[str]:
    """Returns the filters of the table that a claim passes."""
    kind_and_verdict = claim.kind, claim.verdict if claim.kind == claims.PAPER else ""
    return [link(name, *kind_and_verdict) for name in (paper, "")]


def table(finished: Iterable[contents.Finished]) -> list[Row]:
    """Returns a row a paper, and one of all papers if there are several."""
    finished = list(finished)
    papers = list(dict.fromkeys(paper_of(entry) for entry in finished))
    rows = [_row(finished, paper) for paper in papers]
    return [*rows, _row(finished, "")] if len(papers) > 1 else rows


def paper_of(entry: contents.Finished) -> str:
    """Returns the key of a study's paper."""
    return entry.study.name.split("/")[0]


def _row(finished: list[contents.Finished], paper: str) -> Row:
    judged = [
        claim
        for entry in finished
        if paper in ("", paper_of(entry))
        for claim in entry.judged
    ]
    cells = []
    for kind, verdict in COLUMNS:
        found = [
            claim
            for claim in judged
            if claim.kind == kind and verdict in ("", claim.verdict)
        ]
        cells.append(Cell(len(found), verdict, link(paper, kind, verdict)))
    name = citations.authors(paper) if paper else "All papers"
    return Row(name, link(paper, "", ""), cells)
