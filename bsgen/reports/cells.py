"""Numbers as texts, rounded for the page, the terminal and Markdown."""

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


def _text(cell: Any) -> str:
    if pd.isna(cell):
        return ""
    if isinstance(cell, numbers.Real) and not isinstance(cell, numbers.Integral):
        return f"{cell:.4g}"
    return str(cell)
