"""JSON that every program can read: NaN and infinities become null."""

import json
import math
from typing import Any


def to_bytes(values: Any) -> bytes:
    """Returns the content of an indented JSON file, in UTF-8."""
    text = json.dumps(finite(values), indent=1, allow_nan=False, ensure_ascii=False)
    return f"{text}\n".encode()


def finite(value: Any) -> Any:
    """Returns nested values with None in place of numbers that JSON lacks."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
