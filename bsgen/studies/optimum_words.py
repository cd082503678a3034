"""The optimum of a sweep of learning rates as texts for a table.

A mean and its standard deviation make one cell, and so do a rate and its error bar, so
that a table of optima fits in a terminal.
"""

import math

from bsgen.studies import best_rate
from bsgen.studies.best_runs import Sweep

RATE, ALL_RUNS, MOVES = "rate (error bar)", "all runs", "moves"
LEGEND = (
    "± is the standard deviation of the runs that count; the error bar has the rates "
    "whose mean lies within one of the best (< or >: up to an end of the rates tried); "
    "all runs: their plain mean; moves: how often seeds drawn anew have another optimum"
)
_EDGES = {"lower": " <", "upper": " >", "both": " <>", "": ""}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MOST_DECIMALS = 6


def row(found: Sweep, name: str) -> dict[str, str]:
    """Returns the cells of an optimum: `name`, `ALL_RUNS`, `RATE` and `MOVES`.

    Args:
      found: a sweep.
      name: heading of the score at the optimal rate.
    """
    if math.isnan(found.best):
        return {name: "too few runs", ALL_RUNS: "", RATE: "", MOVES: ""}
    return {
        name: score(found),
        ALL_RUNS: f"{found.optimum['plain']:.4g}",
        RATE: rate(found),
        MOVES: f"{best_rate.moves(found).share:.0%}",
    }


def score(found: Sweep) -> str:
    """Returns mean and standard deviation of the runs that count at the optimum."""
    return with_deviation(found.optimum["mean"], found.optimum["std"])


def rate(found: Sweep) -> str:
    """Returns the optimal rate with its error bar, and which ends of the rates it has.

    Such as "2⁻² (2⁻³–2⁻¹) <".
    """
    return rate_in_words(found.best, found.low, found.high) + _EDGES[found.edge]


def rate_in_words(best: float, low: float, high: float) -> str:
    """Returns a rate with its error bar, which may be NaN; see `rate`."""
    if math.isnan(low) or math.isnan(high):
        return _rate(best)
    return f"{_rate(best)} ({_rate(low)}–{_rate(high)})"


def with_deviation(mean: float, deviation: float) -> str:
    """Returns "mean ± deviation" with the digits that the deviation leaves sure.

    It has one digit, or two if the first of them is 1.

    Args:
      mean: may be infinite; empty if it is NaN.
      deviation: left out if it is not finite.
    """
    if math.isnan(mean):
        return ""
    if not math.isfinite(mean):
        return "∞"
    if not math.isfinite(deviation):
        return f"{mean:.4g}"
    if deviation == 0:
        return f"{mean:.4g} ± 0"
    digits, _, exponent = f"{deviation:.1e}".partition("e")
    decimals = max(0, (digits[0] == "1") - int(exponent))
    if decimals > _MOST_DECIMALS:
        return f"{mean:.3g} ± {deviation:.1g}"
    return f"{mean:.{decimals}f} ± {deviation:.{decimals}f}"


def _rate(value: float) -> str:
    """Returns a power of two as one, and other numbers with three digits."""
    exponent = round(math.log2(value))
    if math.isclose(value, 2.0**exponent, rel_tol=1e-6):
        return "2" + str(exponent).translate(_SUPERSCRIPTS)
    return f"{value:.3g}"
