"""What the verdicts of all studies say together, and how to read one."""

from collections.abc import Iterable
from typing import NamedTuple

from bsgen import statistics
from bsgen.reports import cells, contents
from bsgen.studies import claims

# A word of the reports, and what it means.
LEGEND = (
    (
        "Verdict",
        "A claim holds where the whole 95 % interval lies in what is predicted, fails "
        "where none of it does, and is undecided otherwise, for the reason that is "
        "given. An exponent must lie in a band that counts as “as predicted”; other "
        "theories' exponents lie outside of it. Bands and bounds stand in the code; "
        "BUILD_NOTES.md says which were chosen after a look at results.",
    ),
    (
        "Kinds",
        "Counted are what the papers claim about data. A check holds by construction "
        "if the implementation is right; a repeat is a claim of another study again.",
    ),
    (
        "Sureness",
        "The share of 1,000 bootstrap draws over the seeds that give the same verdict, "
        "each with an interval of its own. The aim is 95 %; decided claims below it "
        "are marked.",
    ),
    (
        "p",
        "The least two-sided error probability at which the interval still gives the "
        "verdict; above 0.05 a claim is undecided.",
    ),
)
_KINDS = claims.PAPER, claims.CHECK, claims.REPEAT


class Judged(NamedTuple):
    """A claim and the name of its study."""

    study: str
    claim: claims.Claim


class Caveat(NamedTuple):
    """What to bear in mind about decided claims.

    Attributes:
      words: sentences with the numbers; empty if there is nothing to say.
      affected: the claims that they speak of.
    """

    words: str
    affected: list[Judged]


def grouped(judged: Iterable[claims.Claim]) -> list[claims.Claim]:
    """Returns claims of papers first, then checks, then repeats."""
    return sorted(judged, key=lambda claim: _KINDS.index(claim.kind))


def besides(finished: Iterable[contents.Finished]) -> str:
    """Returns a sentence on the claims of other kinds; empty without any."""
    words = claims.besides(each.claim for each in _all(finished))
    kinds = "checks of the implementation and repeats of other studies' claims"
    return f"Counted apart are {kinds}: {words}." if words else ""


def unsettled(finished: Iterable[contents.Finished]) -> list[Judged]:
    """Returns the claims that fail, and then the undecided ones."""
    judged = _all(finished)
    order = claims.FAILS, claims.UNDECIDED
    return [
        each for verdict in order for each in judged if each.claim.verdict == verdict
    ]


def why(claim: claims.Claim) -> str:
    """Returns why a claim fails, or is undecided."""
    if claim.verdict == claims.UNDECIDED:
        return claim.reason or "recorded by an older version, without a reason"
    return f"{cells.measured(claim)}, predicted {claim.predicted}"


def caveats(finished: Iterable[contents.Finished]) -> list[Caveat]:
    """Returns which decided claims of the papers to trust less."""
    judged = [each for each in _all(finished) if each.claim.kind == claims.PAPER]
    return [found for found in (_unsure(judged), _multiplicity(judged)) if found.words]


def _unsure(judged: list[Judged]) -> Caveat:
    """Names verdicts that redrawn seeds would not give as often as aimed at."""
    affected = [each for each in judged if each.claim.is_unsure]
    decided = sum(each.claim.verdict != claims.UNDECIDED for each in judged)
    words = f"The sureness of {len(affected)} of the {decided} decided claims of the "
    words += "papers is below 95 %:"
    return Caveat(words if affected else "", affected)


def _multiplicity(judged: list[Judged]) -> Caveat:
    """Names verdicts that are lost if they are corrected for their number (Holm)."""
    decided = [each for each in judged if each.claim.p_value is not None]
    if not decided:
        return Caveat("", [])
    # An undecided claim has a p value above 0.05, and counts among all.
    p_values = [1.0 if (p := each.claim.p_value) is None else p for each in judged]
    kept = statistics.holm(p_values)
    lost = [e for e, k in zip(judged, kept, strict=True) if e in decided and not k]
    words = (
        f"Of {len(judged)} claims of the papers, {len(decided)} are decided, each at "
        f"an error probability of 5 %. With Holm's correction over all {len(judged)}, "
        "which keeps the chance of even one wrong verdict at 5 %, "
    )
    if lost:
        return Caveat(f"{words}{sum(kept)} stay decided; these do not:", lost)
    return Caveat(f"{words}all of them stay decided.", [])


def _all(finished: Iterable[contents.Finished]) -> list[Judged]:
    return [
        Judged(entry.study.name, claim) for entry in finished for claim in entry.judged
    ]
