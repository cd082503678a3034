"""JSON objects with a check sum, so that damage is noticed and not taken for a value.

The sum stands among the entries, which every reader of JSON can still read. It covers
the values and not how they are written, so a file may be indented anew.
"""

import hashlib
import json
import pathlib
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from bsgen import errors

CHECK_SUM = "sha256"
_ABSENT = object()


class Damaged(ValueError):
    """What was read is not what was written; the message says what is wrong."""


class NewerVersion(Exception):
    """A newer version of this project wrote what was read.

    Attributes:
      version: of its format.
    """

    def __init__(self, version: int):
        self.version = version
        super().__init__(f"it has format {version}")


class Parsed(NamedTuple):
    """What was read.

    Attributes:
      values: the entries, without the check sum.
      is_checked: whether there was a check sum.
    """

    values: dict[str, Any]
    is_checked: bool


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
    found = parse(content)
    if not found.is_checked and unsealed is not None:
        if not found.values.keys() <= {*unsealed}:
            raise Damaged("its check sum is missing")
    return found.values


def parse(content: bytes | str, newest: int | None = None) -> Parsed:
    """Returns an object and whether it has a check sum, which fits then.

    Args:
      content: what `dumps` returned, or an earlier version did.
      newest: the highest `version` of the format that can be read, if the object has
        such an entry.

    Raises:
      Damaged: it is no JSON object, or its check sum is another one.
      NewerVersion: its version is a higher one.
    """
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Damaged("it is empty" if not content else "it is not JSON") from error
    if not isinstance(values, dict):
        raise Damaged("it is not a JSON object")
    version = values.get("version", 0)
    if newest is not None and isinstance(version, int) and version > newest:
        raise NewerVersion(version)
    found = values.pop(CHECK_SUM, _ABSENT)
    if found not in (_ABSENT, _check_sum(values)):
        raise Damaged("its check sum does not match")
    return Parsed(values, found is not _ABSENT)


def read(
    path: pathlib.Path, unsealed: Collection[str] | None, newest: int | None = None
) -> dict[str, Any]:
    """Returns the object in a file of an output folder.

    Args:
      path: of the file.
      unsealed: as in `loads`.
      newest: as in `parse`.

    Raises:
      Damaged: as in `loads`, or the file cannot be read.
      UserError: a newer version of this project wrote it.
    """
    try:
        content = path.read_bytes()
        if newest is not None:
            parse(content, newest)
        return loads(content, unsealed)
    except OSError as error:
        raise Damaged(f"it cannot be read ({error.strerror})") from error
    except NewerVersion as error:
        raise newer_version(path, error.version, newest) from error


def newer_version(
    path: pathlib.Path, version: int, newest: int | None
) -> errors.UserError:
    """Returns the error for a file of a newer version in an output folder."""
    remedy = f"{path.name} was written by a newer version of bsgen (format {version}, "
    remedy += f"this one reads {newest}); upgrade bsgen or choose another folder"
    return errors.UserError("output_dir", str(path.parent), remedy)


def check_sum(content: bytes) -> str:
    """Returns the check sum of any content."""
    return hashlib.sha256(content).hexdigest()


def _check_sum(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True)
    return check_sum(text.encode())
