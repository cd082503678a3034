"""How advice writes numbers."""

import math


def number(value: float) -> str:
    """Returns a number with three digits: "0.0125", "480", "1.2e+06"."""
    return f"{value:.3g}"


def count(value: float) -> str:
    """Returns a number of examples: "480", "12,300", "no bound" for infinity."""
    if math.isinf(value):
        return "no bound"
    if value < 10:
        return f"{value:.2g}"
    rounded = round(value, 2 - math.floor(math.log10(value)))
    return f"{rounded:,.0f}"


def times(factor: float) -> str:
    """Returns "1.5 times"."""
    return f"{factor:.2g} times"
