"""Numbers as texts, rounded for the page, the terminal and Markdown."""

import math
import numbers
from typing import Any

import pandas as pd

from bsgen.studies import claims


def of_table(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Returns headings and rows; numbers have four digits, missing ones are empty."""
    rows = table.astype(object).to_numpy().tolist()
    return list(map(str, table.columns)), [list(map(_text, row)) for row in rows]


def measured(claim: claims.Claim) -> str:
    """Returns "estimate [lower, upper]" to three digits; open ends are infinite."""
    if claim.measured is None:
        return "nothing to measure"
    lower, upper = claim.interval
    first = "-∞" if lower is None else f"{lower:.3g}"
    last = "∞" if upper is None else f"{upper:.3g}"
    return f"{claim.measured:.3g} [{first}, {last}]"


def sureness(claim: claims.Claim) -> str:
    """Returns the share of redrawn seeds that agree, empty if it is not known.

    Rounded down, so that what is below the aim never looks as if it were not.
    """
    if claim.sureness is None:
        return ""
    if claim.sureness > 0.999:
        return "> 99.9 %"
    return f"{math.floor(100 * claim.sureness + 1e-9)} %"


def p_value(claim: claims.Claim) -> str:
    """Returns a p value to two digits; empty if the claim is undecided."""
    if claim.p_value is None:
        return ""
    return "< 0.001" if claim.p_value < 0.001 else f"{claim.p_value:.2g}"


def strength(claim: claims.Claim) -> str:
    """Returns "sureness 97 %, p = 0.02", or what of it is known."""
    parts = []
    if share := sureness(claim):
        parts.append(f"sureness {share}")
    if p := p_value(claim):
        parts.append(f"p {p}" if p.startswith("<") else f"p = {p}")
    return ", ".join(parts)


def _text(cell: Any) -> str:
    if pd.isna(cell):
        return ""
    if isinstance(cell, numbers.Real) and not isinstance(cell, numbers.Integral):
        return f"{cell:.4g}"
    return str(cell)
