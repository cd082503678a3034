"""Claims of a paper and the verdicts that recorded runs give them.

A verdict compares a confidence interval, never a bare number, with a prediction: the
claim "holds" if the whole interval agrees with it, "fails" if none of it does, and is
"undecided" otherwise.
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
      interval: its confidence interval (lower, upper); an open end is None.
      verdict: "holds", "fails" or "undecided".
      note: how the interval was made, including the number of seeds.
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
        raise ValueError(f"not all of {', '.join(sorted(texts))} are texts")
    if not isinstance(interval, list) or len(interval) != 2:
        raise ValueError("an interval has two ends")
    for value in (values["measured"], *interval):
        if value is not None and not _is_number(value):
            raise ValueError(f"{value!r} is not a finite number")
    if values["verdict"] not in (HOLDS, FAILS, UNDECIDED):
        raise ValueError(f"{values['verdict']!r} is not a verdict")
    return Claim(**{**values, "interval": tuple(interval)})


def summary(judged: Iterable[Claim]) -> str:
    """Returns "N hold, N fail, N undecided"."""
    number = collections.Counter(claim.verdict for claim in judged)
    return f"{number[HOLDS]} hold, {number[FAILS]} fail, {number[UNDECIDED]} undecided"


def above(
    claim: str,
    quantity: str,
    measured: statistics.Interval,
    note: str,
    bound: float = 0,
) -> Claim:
    """Judges that a quantity lies above `bound`."""
    verdict = _in_region(measured, bound, math.inf)
    return _claim(claim, quantity, f"> {bound:g}", measured, verdict, note)


def below(
    claim: str,
    quantity: str,
    measured: statistics.Interval,
    note: str,
    bound: float = 0,
) -> Claim:
    """Judges that a quantity lies below `bound`."""
    verdict = _in_region(measured, -math.inf, bound)
    return _claim(claim, quantity, f"< {bound:g}", measured, verdict, note)


def between(
    claim: str,
    quantity: str,
    measured: statistics.Interval,
    bounds: tuple[float, float],
    note: str,
) -> Claim:
    """Judges that a quantity lies between two bounds."""
    words = f"{bounds[0]:g} to {bounds[1]:g}"
    verdict = _in_region(measured, *bounds)
    return _claim(claim, quantity, words, measured, verdict, note)


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
    excludes the prediction, and is undecided when it cannot tell them apart.
    """
    verdict = UNDECIDED
    if math.isfinite(measured.value):
        if not _contains(measured, predicted):
            verdict = FAILS
        elif not any(_contains(measured, other) for other in alternatives):
            verdict = HOLDS
    others = ", ".join(f"{other:g}" for other in alternatives)
    words = f"{predicted:g} (not {others})"
    return _claim(claim, quantity, words, measured, verdict, note)


def _in_region(measured: statistics.Interval, lower: float, upper: float) -> str:
    """Returns the verdict on a quantity that should lie between two bounds."""
    if measured.lower > lower and measured.upper < upper:
        return HOLDS
    if measured.upper <= lower or measured.lower >= upper:
        return FAILS
    return UNDECIDED


def _claim(
    claim: str,
    quantity: str,
    predicted: str,
    measured: statistics.Interval,
    verdict: str,
    note: str,
) -> Claim:
    value, lower, upper = (x if math.isfinite(x) else None for x in measured)
    return Claim(claim, quantity, predicted, value, (lower, upper), verdict, note)


def _contains(interval: statistics.Interval, value: float) -> bool:
    return interval.lower <= value <= interval.upper


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and -math.inf < value < math.inf
