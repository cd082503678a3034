"""A rising line that turns into a constant: log(rate) in the two regimes of SGD.

Smith, Elsen & De (2020), arXiv 2006.15081, sections 3.2 and 5: the optimal effective
learning rate grows as a power of the batch size while noise dominates, and is constant
where curvature does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bsgen.theory.domain import FloatArray


class TwoRegimes(NamedTuple):
    """Lines that rise up to a batch size and are constant from there on, [m] each.

    Attributes:
      slope: of log(rate) against log(batch size) below.
      turn: log(batch size) where it turns: one of the sizes, or between two. At the
        largest one the line does not turn at all.
      level: log(rate) from there on.
    """

    slope: FloatArray
    turn: FloatArray
    level: FloatArray


def fit_two_regimes(log_sizes: FloatArray, log_rates: FloatArray) -> TwoRegimes:
    """Fits the lines by least squares, over all places of the turn.

    Between two neighbouring sizes the best turn is where a free line through the sizes
    below meets the mean of those above, if they meet there, or else at one of the two.
    So these places are all that have to be compared. At least two sizes lie on the
    rising line.

    Args:
      log_sizes: [n >= 2], logarithms of the batch sizes, rising.
      log_rates: [m, n], logarithms of the optimal rates.
    """
    sizes, rates = np.asarray(log_sizes, float), np.asarray(log_rates, float)
    best = np.full((4, len(rates)), np.inf)  # sum of squares, slope, turn, level

    def compare(slope: FloatArray, turn: FloatArray, level: FloatArray) -> None:
        nonlocal best
        below = np.minimum(sizes - turn[:, np.newaxis], 0.0)
        fitted = level[:, np.newaxis] + slope[:, np.newaxis] * below
        squares = np.sum((rates - fitted) ** 2, axis=1)
        candidate = np.stack([squares, slope, turn, level])
        # Of equals the first, so that a line without a turn is one.
        best = np.where(squares < best[0] - 1e-12, candidate, best)

    for place in range(len(sizes) - 1, 0, -1):
        slope, level = _line(np.minimum(sizes - sizes[place], 0.0), rates)
        compare(slope, np.full(len(rates), sizes[place]), level)
    for place in range(2, len(sizes)):
        slope, start = _line(sizes[:place], rates[:, :place])
        level = rates[:, place:].mean(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            turn = (level - start) / slope
        met = (turn >= sizes[place - 1]) & (turn <= sizes[place])
        # Where they do not meet, what has been compared already cannot win again.
        compare(
            *(
                np.where(met, new, old)
                for new, old in zip((slope, turn, level), best[1:], strict=True)
            )
        )
    return TwoRegimes(*best[1:])


def _line(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Returns slopes and values at 0 of least-squares lines; x is [n] and y [m, n]."""
    centred = x - x.mean()
    slope = y @ centred / (centred @ centred)
    return slope, y.mean(axis=1) - slope * x.mean()
