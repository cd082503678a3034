"""Writes the help of every launcher, and its flags, as JSON: for their test.

python -m tests.launch.described_flags
"""

import json
import os
import pathlib
import re
import sys

from launch import command
from tests.launch import in_process

_DEFINITION = r"(?:flags\.DEFINE_\w+|paths\.define)\(\s*\"(\w+)\""


def _described(launcher):
    module = in_process.load(launcher)
    flag_help = sys.modules["launch.flag_help"]
    shown = {}
    for columns in (80, 100):
        os.environ["COLUMNS"] = str(columns)
        shown[columns] = flag_help.text(module.__name__)
    return {
        "shown": shown,
        "sections": {
            title: [_flag(flag, flag_help.words(flag)) for flag in listed]
            for title, listed in flag_help.sections().items()
        },
        # By the text of all files that the launcher has imported.
        "defined": [
            name
            for path in sorted(
                {module.__file__ for module in _modules() if module.__file__}
            )
            for name in re.findall(_DEFINITION, pathlib.Path(path).read_text())
        ],
    }


def _modules():
    return [each for name, each in sys.modules.items() if name.startswith("launch.")]


def _flag(flag, said):
    choices = getattr(flag.parser, "enum_values", None) or []
    default = flag.default not in (None, "", [])
    return {
        "name": flag.name,
        "said": said,
        "choices": list(choices),
        "has_default": default,
    }


if __name__ == "__main__":
    found = {launcher: _described(launcher) for launcher in command.LAUNCHERS}
    json.dump(found, sys.stdout)
