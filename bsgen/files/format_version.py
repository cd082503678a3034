"""The guard against files that a newer version of bsgen wrote.

Each file format has a number, which its files hold as `version`. It rises when older
code could no longer read them correctly.
"""

import pathlib
from collections.abc import Mapping
from typing import Any

from bsgen import errors


class NewerVersion(errors.UserError):
    """A newer version of bsgen wrote the file."""


def refuse_newer(path: pathlib.Path, values: Mapping[str, Any], newest: int) -> None:
    """Checks that this version of bsgen can read the values of a file.

    Values without `version` predate the guard and pass.

    Raises:
      NewerVersion: their version is above `newest`.
    """
    version = values.get("version", 0)
    if isinstance(version, int) and version > newest:
        remedy = f"{path.name} was written by a newer version of bsgen (format "
        remedy += f"{version}, this one reads {newest}); upgrade bsgen or choose "
        remedy += "another folder"
        raise NewerVersion("output_dir", str(path.parent), remedy)
