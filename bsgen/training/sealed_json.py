"""JSON objects that carry a digest of their own content, so that damage is noticed.

The field `digest` holds 16 hexadecimal digits: BLAKE2b, 64 bits, of the object without
it, written in one canonical way (sorted keys, no spaces). So a changed number is found,
while a tool that only lays the text out anew does no harm. Objects that older versions
wrote have no digest: they are read, and known to be unchecked.
"""

import hashlib
import json
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

from bsgen import errors
from bsgen.training import strict_json

_DIGEST = "digest"
_DIGEST_BYTES = 8


class DamagedError(ValueError):
    """A text is not what was written; the message says why."""


class NewerVersionError(Exception):
    """A newer version of this project wrote a text.

    Attributes:
      version: of its format.
    """

    def __init__(self, version: int):
        self.version = version
        super().__init__(f"of format {version}")


class Sealed(NamedTuple):
    """An object that was read.

    Attributes:
      values: its fields, without the digest.
      is_checked: whether it had one, which fits.
    """

    values: dict[str, Any]
    is_checked: bool


def dumps(values: Mapping[str, Any], indent: int | None = None) -> str:
    """Returns an object as strict JSON with its digest, the last field."""
    plain = json.loads(strict_json.dumps(dict(values)))  # as it will be read
    return json.dumps({**plain, _DIGEST: _digest(plain)}, indent=indent)


def loads(text: bytes, newest: int | None = None) -> Sealed:
    """Returns the object that `dumps` wrote, or that an older version did.

    Args:
      text: of the object.
      newest: the highest `version` of the format that can be read; None if the object
        has no such field.

    Raises:
      DamagedError: the text is no strict JSON object, or its digest does not fit.
      NewerVersionError: its `version` is higher, whatever else is in it.
    """
    try:
        values = json.loads(text.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DamagedError("is no valid JSON") from error
    if not isinstance(values, dict):
        raise DamagedError("is no JSON object")
    version = values.get("version", 0)
    if newest is not None and isinstance(version, int) and version > newest:
        raise NewerVersionError(version)
    found = values.pop(_DIGEST, None)
    if found is not None and found != _digest(values):
        raise DamagedError("does not fit its digest")
    return Sealed(values, found is not None)


def read(path: pathlib.Path, newest: int | None = None) -> dict[str, Any]:
    """Returns the object in a file, checked if it has a digest.

    Args:
      path: of the file, in an output folder.
      newest: as for `loads`.

    Raises:
      DamagedError: as `loads`, or the file cannot be read.
      UserError: a newer version of this project wrote it.
    """
    try:
        return loads(path.read_bytes(), newest).values
    except OSError as error:
        raise DamagedError(f"cannot be read ({error.strerror})") from error
    except NewerVersionError as error:
        raise newer_version(path, error.version, newest) from error


def newer_version(
    path: pathlib.Path, version: int, known: int | None
) -> errors.UserError:
    """Returns the `UserError` for a file of a newer version in an output folder."""
    remedy = f"{path.name} was written by a newer version of bsgen (format {version}, "
    remedy += f"this one reads {known}); upgrade bsgen or choose another folder"
    return errors.UserError("output_dir", str(path.parent), remedy)


def digest(content: bytes) -> str:
    """Returns the digest of any content, as 16 hexadecimal digits."""
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()


def _digest(values: dict[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return digest(text.encode())


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
