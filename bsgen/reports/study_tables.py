"""Studies and their claims in Markdown, mostly as tables."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from bsgen.reports import captions, cells, contents, verdicts
from bsgen.studies import claims

COUNTS = "hold", "fail", "undecided", "besides"
SUMMARY_HEADINGS = ("study", "what it shows", *COUNTS)
UNSETTLED_HEADINGS = ("study", "claim", "verdict", "why")
# What a narrow screen shows without being scrolled comes first.
CLAIM_HEADINGS = (
    *("claim", "verdict", "measured [95 % interval]"),
    *("predicted", "sureness", "p"),
)
Name = Callable[[str], str]  # of a study, to what the table calls it


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table."""
    lines = [headings, ["---"] * len(headings), *rows]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def counts(judged: Sequence[claims.Claim]) -> list[str]:
    """Returns a cell for each of `COUNTS`, empty where there is none."""
    number = Counter(c.verdict for c in judged if c.kind == claims.PAPER)
    found = (number[v] for v in (claims.HOLDS, claims.FAILS, claims.UNDECIDED))
    return [*(str(n or "") for n in found), claims.besides(judged)]


def totals(finished: Sequence[contents.Finished]) -> str:
    """Returns verdicts and work in one sentence; runs that studies share count once."""
    words = claims.summary(claim for entry in finished for claim in entry.judged)
    work = captions.work(entry.results for entry in finished)
    return f"**{words}**, from {work}. {verdicts.besides(finished)}".strip()


def key(study_name: str) -> str:
    """Returns the name of a study as code, what tables call it by default."""
    return f"`{study_name}`"


def by_study(finished: Sequence[contents.Finished], name: Name = key) -> str:
    """Returns how many claims of each study hold, as a table."""
    return table(
        SUMMARY_HEADINGS,
        [
            [name(entry.study.name), entry.study.title, *counts(entry.judged)]
            for entry in finished
        ],
    )


def unsettled(finished: Sequence[contents.Finished], name: Name = key) -> str:
    """Returns what fails or is undecided, and why, as a table; empty if nothing is."""
    rows = [
        [name(study), _words(claim), claim.verdict, verdicts.why(claim)]
        for study, claim in verdicts.unsettled(finished)
    ]
    return table(UNSETTLED_HEADINGS, rows) if rows else ""


def caveats(finished: Sequence[contents.Finished]) -> list[str]:
    """Returns paragraphs on the decided claims that are to be trusted less."""
    parts = []
    for words, affected in verdicts.caveats(finished):
        items = (f"- `{n}`: {c.claim} ({cells.strength(c)})" for n, c in affected)
        parts += [words, "\n".join(items)]
    return parts


def section(
    entry: contents.Finished, pictures: Sequence[str], named: str = ""
) -> list[str]:
    """Returns the paragraphs on a study: settings, pictures, tables; some are empty.

    Args:
      entry: the study.
      pictures: paragraphs with its picture.
      named: what stands before the settings.
    """
    settings = captions.settings(entry.results, entry.config["scale"])
    shown = entry.folder.read_table()
    return [
        f"{named}{settings} {captions.hardware([entry.results])}".strip(),
        f"**{entry.warning()}**" if entry.results.num_missing else "",
        *pictures,
        "" if shown is None else table(*cells.of_table(shown)),
        _of_claims(entry.judged),
    ]


def _of_claims(judged: Iterable[claims.Claim]) -> str:
    """Returns the claims of a study as a table, those of the paper first."""
    return table(CLAIM_HEADINGS, map(_row, verdicts.grouped(judged)))


def _row(claim: claims.Claim) -> list[str]:
    sureness = cells.sureness(claim) + (", below the aim" if claim.is_unsure else "")
    return [
        *(_words(claim), claim.verdict, cells.measured(claim)),
        *(claim.predicted, sureness, cells.p_value(claim)),
    ]


def _words(claim: claims.Claim) -> str:
    """Returns the claim, with its kind if that is not a claim of the paper."""
    return claim.claim if claim.kind == claims.PAPER else f"{claim.kind}: {claim.claim}"
