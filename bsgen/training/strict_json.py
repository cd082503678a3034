"""JSON that every reader takes: NaN and infinities become null."""

import json
import math
from typing import Any


def dumps(values: Any, indent: int | None = None) -> str:
    """Returns `values` as JSON, None in place of numbers that are not finite."""
    return json.dumps(_finite(values), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    """Replaces numbers that JSON lacks by None."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
