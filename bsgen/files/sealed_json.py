"""JSON objects that carry a check sum, so that damage is never mistaken for a value.

The sum is an ordinary entry, so any JSON reader can read the file. It covers the values
and not their layout: a file may be indented again.
"""

import hashlib
import json
import pathlib
from collections.abc import Collection, Mapping
from typing import Any

from bsgen.files import atomic, format_version, strict_json

CHECK_SUM = "sha256"
_ABSENT = object()


class Damaged(ValueError):
    """A file does not hold what was written; the message says what is wrong."""


def write(path: pathlib.Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Writes a file of strict JSON; NaN and infinities become null.

    Returns:
      What `read` will return.

    Raises:
      UserError: the file cannot be written.
    """
    return write_state(path, strict_json.finite(values))


def write_state(path: pathlib.Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Writes a file as `write` does, but keeps NaN and infinities."""
    text = dumps(values, indent=1) + "\n"
    atomic.write(path, text.encode())
    return loads(text)


def read(
    path: pathlib.Path,
    unsealed: Collection[str] | None = None,
    newest: int | None = None,
) -> dict[str, Any] | None:
    """Returns the object in a file without its check sum; None if there is no file.

    Args:
      path: of the file.
      unsealed: as in `loads`.
      newest: the highest format version that can be read; None for a format without.

    Raises:
      Damaged: as in `loads`, or the file cannot be read.
      NewerVersion: a newer version of bsgen wrote it.
    """
    try:
        values = parse(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Damaged(f"it cannot be read ({error.strerror})") from error
    if newest is not None:  # first, as a newer version may seal in another way
        format_version.refuse_newer(path, values, newest)
    return _unsealed(values, unsealed)


def dumps(values: Mapping[str, Any], indent: int | None = None) -> str:
    """Returns an object as JSON, with its check sum as the last entry.

    Args:
      values: of JSON's types, NaN and infinities included.
      indent: as in `json.dumps`.
    """
    plain = json.loads(json.dumps(values))
    return json.dumps({**plain, CHECK_SUM: _check_sum(plain)}, indent=indent)


def loads(
    content: bytes | str, unsealed: Collection[str] | None = None
) -> dict[str, Any]:
    """Returns the object that `dumps` wrote, without its check sum.

    Args:
      content: the JSON.
      unsealed: the entries that an object without a check sum may have, for files of
        versions before check sums; any other entry is damage. None allows all.

    Raises:
      Damaged: it is no JSON object, or its check sum is wrong or missing.
    """
    return _unsealed(parse(content), unsealed)


def parse(content: bytes | str) -> dict[str, Any]:
    """Returns an object with its check sum, which is not verified yet.

    Raises:
      Damaged: it is no JSON object.
    """
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Damaged("it is empty" if not content else "it is not JSON") from error
    if not isinstance(values, dict):
        raise Damaged("it is not a JSON object")
    return values


def unseal(values: dict[str, Any]) -> bool:
    """Removes the check sum from an object; returns whether there was one.

    Raises:
      Damaged: the check sum does not match.
    """
    found = values.pop(CHECK_SUM, _ABSENT)
    if found not in (_ABSENT, _check_sum(values)):
        raise Damaged("its check sum does not match")
    return found is not _ABSENT


def check_sum(content: bytes) -> str:
    """Returns the check sum of any content."""
    return hashlib.sha256(content).hexdigest()


def _unsealed(
    values: dict[str, Any], unsealed: Collection[str] | None
) -> dict[str, Any]:
    if not unseal(values) and unsealed is not None:
        if not values or not values.keys() <= {*unsealed}:
            raise Damaged("its check sum is missing")
    return values


def _check_sum(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True)
    return check_sum(text.encode())
