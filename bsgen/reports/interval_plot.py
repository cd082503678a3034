"""A claim's interval beside its prediction, as a small picture in the page.

`Claim.predicted` is read back into numbers, so that claims of every version are drawn.
"""

import math
import re
from typing import NamedTuple

from bsgen.studies import claims

WIDTH, HEIGHT = 240, 40  # of the picture, in its own units
_MARGIN = 0.08  # of the width, on either side of what must be seen
_LOGARITHMIC = 10.0  # the axis is so where all is positive and spans this factor
_LABEL_WIDTH = 7.0  # of a character; labels that would overlap are left out
_NUMBER = r"(-?[\d.]+(?:e[+-]?\d+)?|-?inf)"
_BOUND = re.compile(rf"([<>]) {_NUMBER}")
_BAND = re.compile(rf"(?:{_NUMBER}: )?{_NUMBER} to {_NUMBER}(?: \(not (.*)\))?")


class Prediction(NamedTuple):
    """The numbers of a prediction.

    Attributes:
      lower: end of the region that agrees with the claim; -inf without one.
      upper: its other end; inf without one.
      expected: the value that the paper gives; None if it gives a region only.
      alternatives: the values of other theories.
    """

    lower: float
    upper: float
    expected: float | None = None
    alternatives: tuple[float, ...] = ()


class Mark(NamedTuple):
    """A number on the axis.

    Attributes:
      place: of its line.
      label: the number as a text.
      text_place: of the middle of the text, which keeps off the edges.
      is_alternative: whether it is another theory's value, not an end of the region.
      is_labelled: whether the text has room.
    """

    place: float
    label: str
    text_place: float
    is_alternative: bool
    is_labelled: bool


class Plot(NamedTuple):
    """What to draw, in units of the picture from its left edge.

    Attributes:
      band: both ends of the region that agrees with the claim.
      expected: the place of the paper's value; None without one.
      marks: the ends of the region and the alternatives.
      interval: both ends of the measured interval.
      point: the place of the estimate.
      is_logarithmic: whether the axis is.
      words: how interval and prediction lie to each other.
    """

    band: tuple[float, float]
    expected: float | None
    marks: list[Mark]
    interval: tuple[float, float]
    point: float
    is_logarithmic: bool
    words: str


def parse(predicted: str) -> Prediction | None:
    """Returns the numbers of `Claim.predicted`; None if it is said in other words."""
    if found := _BOUND.fullmatch(predicted):
        bound = float(found[2])
        if found[1] == ">":
            return Prediction(bound, math.inf)
        return Prediction(-math.inf, bound)
    if found := _BAND.fullmatch(predicted):
        expected, lower, upper, others = found.groups()
        values = tuple(map(float, others.split(", "))) if others else ()
        value = None if expected is None else float(expected)
        return Prediction(float(lower), float(upper), value, values)
    return None


def plot(claim: claims.Claim) -> Plot | None:
    """Returns how to draw a claim; None if nothing was measured or is predicted."""
    prediction = parse(claim.predicted)
    if prediction is None or claim.measured is None:
        return None
    ends = zip(claim.interval, (-math.inf, math.inf), strict=True)
    lower, upper = (end if value is None else value for value, end in ends)
    needed = [claim.measured, lower, upper, *prediction.alternatives]
    needed += [prediction.lower, prediction.upper]
    axis = _Axis([value for value in needed if math.isfinite(value)])
    expected = prediction.expected
    return Plot(
        (axis.place(prediction.lower), axis.place(prediction.upper)),
        None if expected is None else axis.place(expected),
        _marks(prediction, axis),
        (axis.place(lower), axis.place(upper)),
        axis.place(claim.measured),
        axis.is_logarithmic,
        _relation(lower, upper, prediction),
    )


class _Axis:
    """Places on an axis on which all of some numbers can be seen."""

    def __init__(self, needed: list[float]) -> None:
        low, high = min(needed), max(needed)
        self.is_logarithmic = low > 0 and high > _LOGARITHMIC * low
        low, high = self._scaled(low), self._scaled(high)
        room = _MARGIN * (high - low) or abs(low) or 1.0
        self._first, self._last = low - room, high + room

    def place(self, value: float) -> float:
        """Returns the place of a number, at an edge if it lies beyond."""
        if math.isinf(value) or (self.is_logarithmic and value <= 0):
            return 0.0 if value < 0 or not math.isinf(value) else float(WIDTH)
        span = self._last - self._first
        share = (self._scaled(value) - self._first) / span
        return round(WIDTH * share, 1)

    def _scaled(self, value: float) -> float:
        return math.log(value) if self.is_logarithmic else value


def _marks(prediction: Prediction, axis: _Axis) -> list[Mark]:
    """Returns the finite ends of the region, then the alternatives."""
    ends = (prediction.lower, prediction.upper)
    values = [(end, False) for end in ends if math.isfinite(end)]
    values += [(other, True) for other in prediction.alternatives]
    marks: list[Mark] = []
    taken: list[tuple[float, float]] = []
    for value, is_alternative in values:
        place, label = axis.place(value), f"{value:.3g}"
        half = _LABEL_WIDTH * len(label) / 2
        middle = min(max(place, half), WIDTH - half)
        has_room = all(abs(middle - m) > half + h for m, h in taken)
        if has_room:
            taken.append((middle, half))
        marks.append(Mark(place, label, middle, is_alternative, has_room))
    return marks


def _relation(lower: float, upper: float, prediction: Prediction) -> str:
    """Returns how an interval lies to what is predicted."""
    if lower > prediction.lower and upper < prediction.upper:
        words = "The whole interval lies in what is predicted"
    elif upper <= prediction.lower or lower >= prediction.upper:
        words = "No part of the interval lies in what is predicted"
    else:
        words = "A part of the interval lies in what is predicted"
    covered = [f"{v:g}" for v in prediction.alternatives if lower <= v <= upper]
    return f"{words}; it covers {', '.join(covered)}" if covered else words
