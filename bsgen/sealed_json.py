"""JSON objects with a check sum, so that damage is noticed and not taken for a value.

The sum stands among the entries, which every reader of JSON can still read. It covers
the values and not how they are written, so a file may be indented anew.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

CHECK_SUM = "sha256"


class Damaged(ValueError):
    """What was read is not what was written; the message says what is wrong."""


def dumps(values: Mapping[str, Any], indent: int | None = None) -> str:
    """Returns an object as JSON, with its check sum as the last entry.

    Args:
      values: of JSON's types.
      indent: as in `json.dumps`.
    """
    plain = json.loads(json.dumps(values))
    return json.dumps({**plain, CHECK_SUM: _check_sum(plain)}, indent=indent)


def loads(
    content: bytes | str, unsealed: Collection[str] | None = None
) -> dict[str, Any]:
    """Returns an object, without its check sum.

    Args:
      content: what `dumps` returned.
      unsealed: the entries that an object without a check sum may have, as earlier
        versions wrote it; any other one is damage. None for every entry.

    Raises:
      Damaged: it is no JSON object, or its check sum is another one or missing.
    """
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Damaged("it is empty" if not content else "it is not JSON") from error
    if not isinstance(values, dict):
        raise Damaged("it is not a JSON object")
    if CHECK_SUM in values:
        if values.pop(CHECK_SUM) != _check_sum(values):
            raise Damaged("its check sum does not match")
    elif unsealed is not None and not values.keys() <= {*unsealed}:
        raise Damaged("its check sum is missing")
    return values


def _check_sum(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
