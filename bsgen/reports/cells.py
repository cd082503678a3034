"""The cells of a table as texts, for the page, the terminal and Markdown."""

import numbers
from typing import Any

import pandas as pd


def of(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Returns headings and rows; numbers have four digits, missing ones are empty."""
    rows = table.astype(object).to_numpy().tolist()
    return list(map(str, table.columns)), [list(map(_text, row)) for row in rows]


def _text(cell: Any) -> str:
    if pd.isna(cell):
        return ""
    if isinstance(cell, numbers.Real) and not isinstance(cell, numbers.Integral):
        return f"{cell:.4g}"
    return str(cell)
