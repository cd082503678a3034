"""Claims of a paper and the verdicts that recorded runs give them.

A verdict compares a confidence interval with a prediction, never a bare number: the
claim "holds" when the whole interval agrees with it, "fails" when none of it does, and
is "undecided" in between.
"""

import collections
import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Any

from bsgen import statistics

HOLDS, FAILS, UNDECIDED = "holds", "fails", "undecided"


@dataclasses.dataclass(frozen=True)
class Claim:
    """One sentence of a paper, what it predicts and what was measured.

    Attributes:
      claim: the sentence.
      quantity: what is measured, with its unit.
      predicted: the prediction in words, e.g. "> 0" or "1".
      measured: the estimate; None when nothing could be measured.
      interval: its confidence interval (lower, upper); an end is None where it is open.
      verdict: "holds", "fails" or "undecided".
      note: how the interval was made, with the number of seeds.
    """

    claim: str
    quantity: str
    predicted: str
    measured: float | None
    interval: tuple[float | None, float | None]
    verdict: str
    note: str

    def to_dict(self) -> dict[str, Any]:
        """Returns the claim as JSON's types."""
        return {**dataclasses.asdict(self), "interval": list(self.interval)}


def from_dict(values: Any) -> Claim:
    """Returns the claim that `Claim.to_dict` made.

    Raises:
      ValueError: a field is missing, unknown or of a wrong kind.
    """
    names = {field.name for field in dataclasses.fields(Claim)}
    if not isinstance(values, dict) or values.keys() != names:
        raise ValueError(f"a claim has the fields {', '.join(sorted(names))}")
    texts = names - {"measured", "interval"}
    interval = values["interval"]
    if not all(isinstance(values[name], str) for name in texts):
        raise ValueError(f"a claim has texts in {', '.join(sorted(texts))}")
    if not isinstance(interval, list) or len(interval) != 2:
        raise ValueError("the interval of a claim has two ends")
    for value in (values["measured"], *interval):
        if value is not None and not _is_number(value):
            raise ValueError(f"a claim has {value!r} for a number")
    if values["verdict"] not in (HOLDS, FAILS, UNDECIDED):
        raise ValueError(f"{values['verdict']!r} is no verdict")
    return Claim(**{**values, "interval": tuple(interval)})


def summary(judged: Iterable[Claim]) -> str:
    """Returns "N hold, N fail, N undecided"."""
    number = collections.Counter(claim.verdict for claim in judged)
    return f"{number[HOLDS]} hold, {number[FAILS]} fail, {number[UNDECIDED]} undecided"


def above(
    claim: str, quantity: str, measured: statistics.Interval, bound: float, note: str
) -> Claim:
    """Judges that a quantity lies above `bound`."""
    return _region(claim, quantity, f"> {bound:g}", measured, bound, math.inf, note)


def below(
    claim: str, quantity: str, measured: statistics.Interval, bound: float, note: str
) -> Claim:
    """Judges that a quantity lies below `bound`."""
    return _region(claim, quantity, f"< {bound:g}", measured, -math.inf, bound, note)


def between(
    claim: str,
    quantity: str,
    measured: statistics.Interval,
    bounds: tuple[float, float],
    note: str,
) -> Claim:
    """Judges that a quantity lies between two bounds."""
    predicted = f"{bounds[0]:g} to {bounds[1]:g}"
    return _region(claim, quantity, predicted, measured, *bounds, note)


def equals(
    claim: str,
    quantity: str,
    measured: statistics.Interval,
    predicted: float,
    alternatives: Sequence[float],
    note: str,
) -> Claim:
    """Judges that a quantity has the predicted value and none of the alternatives.

    Holds when the interval contains the prediction and no alternative, fails when it
    leaves the prediction out, and is undecided when it cannot tell them apart.
    """
    verdict = UNDECIDED
    if not _contains(measured, predicted):
        verdict = FAILS
    elif not any(_contains(measured, other) for other in alternatives):
        verdict = HOLDS
    if not math.isfinite(measured.value):
        verdict = UNDECIDED
    others = ", ".join(f"{other:g}" for other in alternatives)
    words = f"{predicted:g} (not {others})"
    return _make(claim, quantity, words, measured, verdict, note)


def _region(
    claim: str,
    quantity: str,
    predicted: str,
    measured: statistics.Interval,
    lower: float,
    upper: float,
    note: str,
) -> Claim:
    verdict = UNDECIDED
    if measured.lower > lower and measured.upper < upper:
        verdict = HOLDS
    elif measured.upper <= lower or measured.lower >= upper:
        verdict = FAILS
    return _make(claim, quantity, predicted, measured, verdict, note)


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and -math.inf < value < math.inf


def _contains(interval: statistics.Interval, value: float) -> bool:
    return interval.lower <= value <= interval.upper


def _make(
    claim: str,
    quantity: str,
    predicted: str,
    measured: statistics.Interval,
    verdict: str,
    note: str,
) -> Claim:
    value, lower, upper = (x if math.isfinite(x) else None for x in measured)
    return Claim(claim, quantity, predicted, value, (lower, upper), verdict, note)
