"""JSON that every reader takes: NaN and infinities become null."""

import json
import math
from typing import Any


def dumps(values: Any, indent: int | None = None) -> str:
    """Returns `values` as JSON, None in place of numbers that are not finite."""
    return json.dumps(finite(values), indent=indent, allow_nan=False)


def finite(value: Any) -> Any:
    """Returns `value` with None in place of numbers that JSON lacks."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
