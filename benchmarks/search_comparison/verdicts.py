"""Whether and when a search has found a good setting: verdicts, and their table."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks import tables
from benchmarks.search_comparison import courses
from bsgen import tuning

TOLERANCES = (0.003, 0.01)  # the aim, and a wider one
# What a search spent, and its column.
_SPENT = {
    "first_steps": "first: steps",
    "first_examples": "examples",
    "lasting_steps": "for good: steps",
    "lasting_examples": "examples",
    "total_examples": "in all",
}


class Reached(NamedTuple):
    """What one search spent; infinite if it never got there.

    Attributes:
      first_steps: until its best setting was good for the first time.
      first_examples: the same, in examples.
      lasting_steps: until its best setting was good and stayed so.
      lasting_examples: the same, in examples.
      total_examples: of the whole search.
      shortfall: of the setting it chose, below the best; infinite if it chose none.
    """

    first_steps: float
    first_examples: float
    lasting_steps: float
    lasting_examples: float
    total_examples: float
    shortfall: float


def reached(
    course: courses.Course,
    best: float,
    score: Callable[[tuning.Setting], float],
    tolerance: float,
) -> Reached:
    """Judges a search.

    Args:
      course: of the search.
      best: the score to come near to.
      score: of a setting, by runs that no search has seen.
      tolerance: how near.
    """
    good = [
        spent.best is not None and score(spent.best) >= best - tolerance
        for spent in course.spent
    ]
    first = good.index(True) if any(good) else None
    lasting = len(good) - good[::-1].index(False) if not all(good) else 0
    shortfall = math.inf if course.chosen is None else best - score(course.chosen)

    def at(place: int | None) -> tuple[float, float]:
        if place is None or place >= len(good):
            return math.inf, math.inf
        return course.spent[place].num_steps, course.spent[place].num_examples

    total = course.spent[-1].num_examples
    return Reached(*at(first), *at(lasting), total, shortfall)


def table(results: dict[str, list[Reached]], tolerance: float) -> str:
    """Returns a row a kind of search: medians with quartiles.

    Args:
      results: by kind of search.
      tolerance: with which they were judged.
    """
    rows = []
    for kind, found in results.items():
        shortfalls = [one.shortfall for one in found]
        good = np.mean(np.array(shortfalls) <= tolerance)
        spent = [_quartiles([getattr(one, name) for one in found]) for name in _SPENT]
        rows.append([kind, *spent, f"{np.median(shortfalls):.4f}", f"{good:.0%}"])
    return tables.text(("", *_SPENT.values(), "short", "good at end"), rows)


def _quartiles(values: Sequence[float]) -> str:
    # Order statistics, because interpolating with infinity would give infinity.
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], method="higher")
    return f"{_short(middle)} ({_short(low)}-{_short(high)})"


def _short(value: float) -> str:
    return "never" if math.isinf(value) else f"{value:,.0f}"


def goal(results: dict[str, list[Reached]]) -> str:
    """Returns our measured searches beside the best general one, in examples."""
    general = [kind for kind in results if kind[0].isupper()]
    lines = []
    for title, name in (("first", "first_examples"), ("for good", "lasting_examples")):
        medians = {
            kind: float(
                np.quantile([getattr(one, name) for one in found], 0.5, method="higher")
            )
            for kind, found in results.items()
        }
        best = min(general, key=lambda kind, m=medians: m[kind])
        if math.isinf(medians[best]):
            lines.append(f"good {title}: no general search is in the median")
            continue
        for kind in ("guided", "halving"):
            ratio = medians[kind] / medians[best]
            lines.append(
                f"good {title}: {kind} spends {ratio:.2f} times the examples of the "
                f"best general search, {best}"
            )
    return "\n".join(lines)
