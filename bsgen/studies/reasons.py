"""Why a claim stays undecided, in words."""

import math
from collections.abc import Sequence

from bsgen import statistics
from bsgen.studies import estimates

NO_POWER = 10  # times the seeds at hand: more is called "no power", our choice
_HOPELESS = 100  # times: more is not even counted


def undecided(estimate: estimates.Estimate, region: tuple[float, float]) -> str:
    """Returns why an estimate does not tell whether a quantity lies in a region.

    How many seeds would tell: the interval narrows with the square root of their
    number, until its end reaches the bound that it crosses now.

    Args:
      estimate: whose interval crosses a bound of the region.
      region: the ends; infinity is none.
    """
    measured, unit = estimate.interval(), estimate.unit
    if math.isnan(measured.value):
        return "nothing to measure"
    number = estimate.num_seeds
    needed = number * _narrower(measured, region) ** 2
    unbounded = not math.isfinite(needed) and not _is_bounded(measured, region)
    if number < 2 or unbounded:
        return f"too few {unit} for an interval: {number}"
    if needed > NO_POWER * number:
        near, times = "no power: the estimate lies near the bound", needed / number
        if times > _HOPELESS:
            return near
        return f"{near}; {_rounded(times)} times as many {unit} would decide"
    more = max(_rounded(needed), number + 1)
    return f"too few {unit}: about {more} would decide"


def not_excluded(measured: statistics.Interval, alternatives: Sequence[float]) -> str:
    """Returns which alternatives an interval contains, in words."""
    inside = [x for x in alternatives if measured.lower <= x <= measured.upper]
    if not inside:
        return "it reaches out of the band, but excludes the alternatives"
    return f"it does not exclude {' and '.join(f'{x:g}' for x in inside)}"


def _narrower(measured: statistics.Interval, region: tuple[float, float]) -> float:
    """Returns by what factor the interval must shrink to lie on one side of a bound."""
    value = measured.value
    factors = []
    for bound in filter(math.isfinite, region):
        reach = (measured.upper if value < bound else measured.lower) - value
        if abs(reach) > abs(bound - value) or value == bound:
            distance = abs(bound - value)
            factors.append(abs(reach) / distance if distance else math.inf)
    return max(factors, default=1.0)


def _is_bounded(measured: statistics.Interval, region: tuple[float, float]) -> bool:
    """Returns whether the interval ends towards every bound of the region."""
    towards = [
        measured.upper if measured.value < bound else measured.lower
        for bound in filter(math.isfinite, region)
    ]
    return all(map(math.isfinite, towards))


def _rounded(number: float) -> int:
    """Returns the next whole number of two digits above."""
    digits = max(10 ** (math.floor(math.log10(max(number, 1))) - 1), 1)
    return math.ceil(number / digits) * digits
