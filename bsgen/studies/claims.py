"""Claims of a paper and the verdicts that recorded runs give them.

A verdict compares a confidence interval, never a bare number, with a prediction: the
claim "holds" if the whole interval agrees with it, "fails" if none of it does, and is
"undecided" otherwise, for a reason that is given. How surely it stands is the share of
bootstrap draws over seeds that give the same verdict.
"""

import collections
import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from bsgen import statistics
from bsgen.studies import estimates, reasons

HOLDS, FAILS, UNDECIDED = "holds", "fails", "undecided"
# What a claim is: the paper's, about data; a check of our implementation, which holds
# by construction; the repetition of another study's claim.
PAPER, CHECK, REPEAT = "paper", "check", "repeat"
SURE = 0.95  # the sureness that is aimed at
_LEAST_P_VALUE = 1e-12
# What the claims of versions before these fields did not say.
_OF_OLDER = {"kind": PAPER, "reason": "", "sureness": None, "p_value": None}


@dataclasses.dataclass(frozen=True)
class Claim:
    """One sentence of a paper, what it predicts and what was measured.

    Attributes:
      claim: the sentence.
      quantity: what is measured, with its unit.
      predicted: the prediction in words, e.g. "> 0" or "0.75 to 1.25".
      measured: the estimate; None when nothing could be measured.
      interval: its confidence interval (lower, upper); an open end is None.
      verdict: "holds", "fails" or "undecided".
      note: how the interval was made, including the number of seeds.
      kind: "paper", "check" or "repeat".
      reason: why the claim is undecided; empty if it is not.
      sureness: the share of bootstrap draws over seeds that give the same verdict; None
        if there is nothing to draw from.
      p_value: the least two-sided error probability at which the interval still gives
        the verdict; None if undecided.
    """

    claim: str
    quantity: str
    predicted: str
    measured: float | None
    interval: tuple[float | None, float | None]
    verdict: str
    note: str
    kind: str = PAPER
    reason: str = ""
    sureness: float | None = None
    p_value: float | None = None

    @property
    def is_unsure(self) -> bool:
        """Whether it is decided, but less surely than aimed at."""
        decided = self.verdict != UNDECIDED
        return decided and self.sureness is not None and self.sureness < SURE

    def to_dict(self) -> dict[str, Any]:
        """Returns the claim as JSON's types."""
        return {**dataclasses.asdict(self), "interval": list(self.interval)}


def from_dict(values: Any) -> Claim:
    """Returns the claim that `Claim.to_dict` made, also in older versions.

    Raises:
      ValueError: a field is missing, unknown or of a wrong kind.
    """
    names = {field.name for field in dataclasses.fields(Claim)}
    if not isinstance(values, dict) or {*_OF_OLDER, *values} != names:
        raise ValueError(f"a claim has the fields {', '.join(sorted(names))}")
    values = {**_OF_OLDER, **values}
    numbers = {"measured", "sureness", "p_value"}
    texts = names - numbers - {"interval"}
    interval = values["interval"]
    if not all(isinstance(values[name], str) for name in texts):
        raise ValueError(f"not all of {', '.join(sorted(texts))} are texts")
    if not isinstance(interval, list) or len(interval) != 2:
        raise ValueError("an interval has two ends")
    for value in (*(values[name] for name in numbers), *interval):
        if value is not None and not _is_number(value):
            raise ValueError(f"{value!r} is not a finite number")
    for name, known in (
        ("verdict", (HOLDS, FAILS, UNDECIDED)),
        ("kind", (PAPER, CHECK, REPEAT)),
    ):
        if values[name] not in known:
            raise ValueError(f"{values[name]!r} is not a {name}")
    return Claim(**{**values, "interval": tuple(interval)})


def summary(judged: Iterable[Claim]) -> str:
    """Returns "N hold, N fail, N undecided", of the claims of papers."""
    of_papers = [claim for claim in judged if claim.kind == PAPER]
    number = collections.Counter(claim.verdict for claim in of_papers)
    return f"{number[HOLDS]} hold, {number[FAILS]} fail, {number[UNDECIDED]} undecided"


def counts(judged: Iterable[Claim]) -> str:
    """Returns the verdicts of a study, "3 hold, 1 fail, besides 2 checks (2 hold)"."""
    judged = list(judged)
    of_papers = _counts(claim for claim in judged if claim.kind == PAPER)
    return ", besides ".join(filter(None, (of_papers, besides(judged))))


def besides(judged: Iterable[Claim]) -> str:
    """Returns "3 checks (3 hold) and 2 repeats (1 hold, 1 fail)", or what there is."""
    judged, parts = list(judged), []
    for kind in (CHECK, REPEAT):
        if own := [claim for claim in judged if claim.kind == kind]:
            parts.append(f"{len(own)} {kind}{'s' * (len(own) > 1)} ({_counts(own)})")
    return " and ".join(parts)


def _counts(judged: Iterable[Claim]) -> str:
    """Returns "3 hold, 1 fail", without what there is none of."""
    number = collections.Counter(claim.verdict for claim in judged)
    words = {HOLDS: "hold", FAILS: "fail", UNDECIDED: "undecided"}
    return ", ".join(f"{number[v]} {word}" for v, word in words.items() if number[v])


def above(
    claim: str,
    quantity: str,
    estimate: estimates.Estimate,
    note: str = "",
    bound: float = 0,
    kind: str = PAPER,
) -> Claim:
    """Judges that a quantity lies above `bound`."""
    region = bound, math.inf
    return _judge(claim, quantity, f"> {bound:g}", estimate, region, note, kind)


def below(
    claim: str,
    quantity: str,
    estimate: estimates.Estimate,
    note: str = "",
    bound: float = 0,
    kind: str = PAPER,
) -> Claim:
    """Judges that a quantity lies below `bound`."""
    region = -math.inf, bound
    return _judge(claim, quantity, f"< {bound:g}", estimate, region, note, kind)


def between(
    claim: str,
    quantity: str,
    estimate: estimates.Estimate,
    bounds: tuple[float, float],
    note: str = "",
    kind: str = PAPER,
) -> Claim:
    """Judges that a quantity lies between two bounds."""
    words = f"{bounds[0]:g} to {bounds[1]:g}"
    return _judge(claim, quantity, words, estimate, bounds, note, kind)


def scales_as(
    claim: str,
    quantity: str,
    estimate: estimates.Estimate,
    predicted: float,
    band: tuple[float, float],
    alternatives: Sequence[float],
    note: str = "",
    kind: str = PAPER,
) -> Claim:
    """Judges that an exponent is as predicted, and not as the alternatives say.

    Args:
      claim: the sentence.
      quantity: what is measured.
      estimate: of it.
      predicted: by the paper.
      band: what counts as "as predicted", fixed before the runs are seen.
      alternatives: other predictions, outside the band, that must be excluded.
      note: added to how the interval is made.
      kind: of the claim.

    Raises:
      ValueError: the prediction lies outside the band, or an alternative inside.
    """
    lowest, highest = band
    if not lowest < predicted < highest:
        raise ValueError(f"the prediction {predicted:g} lies outside the band {band}")
    if any(lowest < other < highest for other in alternatives):
        raise ValueError(f"an alternative of {alternatives} lies in the band {band}")
    others = ", ".join(f"{other:g}" for other in alternatives)
    words = f"{predicted:g}: {lowest:g} to {highest:g} (not {others})"
    made = _judge(claim, quantity, words, estimate, band, note, kind)
    if made.verdict == UNDECIDED:
        left = reasons.not_excluded(estimate.interval(), alternatives)
        made = dataclasses.replace(made, reason=f"{made.reason}; {left}")
    return made


def left_open(claim: Claim, reason: str) -> Claim:
    """Returns a claim that stays undecided, whatever was measured, for a reason."""
    return dataclasses.replace(
        claim, verdict=UNDECIDED, reason=reason, sureness=None, p_value=None
    )


def repeats(claim: Claim, other: str) -> Claim:
    """Returns a claim as the repetition of one of the study `other`."""
    note = f"{claim.note}; repeats a claim of {other}"
    return dataclasses.replace(claim, kind=REPEAT, note=note)


def _judge(
    claim: str,
    quantity: str,
    predicted: str,
    estimate: estimates.Estimate,
    region: tuple[float, float],
    note: str,
    kind: str,
) -> Claim:
    """Judges that a quantity lies in an open region."""
    measured = estimate.interval()
    verdict = _verdict(measured, region)
    value, lower, upper = (x if math.isfinite(x) else None for x in measured)
    made = Claim(
        claim,
        quantity,
        predicted,
        value,
        (lower, upper),
        verdict,
        "; ".join(filter(None, (estimate.method, note))),
        kind,
        sureness=_sureness(estimate, region, verdict),
    )
    if verdict == UNDECIDED:
        reason = reasons.undecided(estimate, region)
        return dataclasses.replace(made, reason=reason)
    return dataclasses.replace(made, p_value=_p_value(estimate, region, verdict))


def _verdict(measured: statistics.Interval, region: tuple[float, float]) -> str:
    lower, upper = region
    if measured.lower > lower and measured.upper < upper:
        return HOLDS
    if measured.upper <= lower or measured.lower >= upper:
        return FAILS
    return UNDECIDED


def _sureness(
    estimate: estimates.Estimate, region: tuple[float, float], verdict: str
) -> float | None:
    if estimate.num_seeds < 2 or not math.isfinite(estimate.interval().value):
        return None
    drawn = map(statistics.Interval, *map(np.ndarray.tolist, estimate.resampled()))
    return float(np.mean([_verdict(each, region) == verdict for each in drawn]))


def _p_value(
    estimate: estimates.Estimate, region: tuple[float, float], verdict: str
) -> float:
    """Bisects the error probability, on its logarithm, for the end of the verdict."""
    lost, kept = math.log(_LEAST_P_VALUE), math.log(1 - statistics.CONFIDENCE)
    while kept - lost > 1e-3:
        middle = (lost + kept) / 2
        interval = estimate.interval(1 - math.exp(middle))
        if _verdict(interval, region) == verdict:
            kept = middle
        else:
            lost = middle
    return math.exp(kept)


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and -math.inf < value < math.inf
