"""What `--help` prints: a launcher's docstring, and its flags in sections.

A file that defines flags names the section of those that follow by `section`. All else
comes from the flags themselves: their kind, their choices, their default.
"""

import math
import re
import shutil
import sys
import textwrap
from typing import Any

from absl import flags

from . import COMMAND, as_called

ASKED = ("--help", "-h", "-help", "--helpshort")
# In the order in which they are shown.
SECTIONS = (
    "Studies",
    "Advice",
    "Network and data of your own",
    "Recommended by a search",
    "What is measured",
    "Measures",
    "Search",
    "Grid",
    "Optimal learning rates",
    "Rule of thumb",
    "Data",
    "Network",
    "Normalization",
    "Training",
    "Optimizer",
    "From a small batch to a large one",
    "Budget",
    "Evaluation",
    "Hardware",
    "Several processes",
    "Output",
)
_WIDEST, _NARROWEST = 100, 60
_LEFT = 26  # columns for the flag itself
_begun: list[tuple[str, frozenset[str]]] = []  # titles, and the flags defined before


def section(title: str) -> None:
    """Begins a section: the flags that are defined from here on belong to it.

    Raises:
      ValueError: it is none of SECTIONS.
    """
    if title not in SECTIONS:
        raise ValueError(f"title={title!r}: give one of {', '.join(SECTIONS)}")
    _begun.append((title, frozenset(flags.FLAGS)))


def sections() -> dict[str, list[flags.Flag]]:
    """Returns the launcher's flags by section, in the order in which they are shown."""
    known = {
        flag.name: flag
        for module, defined in flags.FLAGS.flags_by_module_dict().items()
        if not module.startswith("absl.")
        for flag in defined
    }
    found: dict[str, list[flags.Flag]] = {title: [] for title in SECTIONS}
    ends = [before for _, before in _begun[1:]] + [frozenset(flags.FLAGS)]
    for (title, before), after in zip(_begun, ends, strict=False):  # or no section
        new = after - before
        found[title] += [known.pop(name) for name in [*known] if name in new]
    found["Flags"] = [*known.values()]  # of programs that have no sections
    return {title: listed for title, listed in found.items() if listed}


def text(module: str) -> str:
    """Returns the help of a launcher.

    Args:
      module: its name in `sys.modules`.
    """
    width = shutil.get_terminal_size((80, 24)).columns
    width = min(max(width, _NARROWEST), _WIDEST)
    parts = [_reflowed(as_called(sys.modules[module].__doc__ or ""), width)]
    for title, listed in sections().items():
        lines = [line for flag in listed for line in _lines(flag, width)]
        parts.append("\n".join([f"{title}:", *lines]))
    parts.append(
        _reflowed(
            "--flagfile=FILE reads flags from a file, one a line; --verbosity=0 logs "
            f"more. {_others()}",
            width,
        )
    )
    return "\n\n".join(parts)


def words(flag: flags.Flag) -> str:
    """Returns what a flag means, with its default."""
    said = str(flag.help).partition(";\n")[0]  # absl adds how lists are given
    if getattr(flag.parser, "enum_values", None):
        said = re.sub(r"^<[^>]*>: ", "", said)
    if flag.default in (None, "", []) or "default:" in said:
        return said
    return f"{said} Default: {_shown(flag.default)}."


def _lines(flag: flags.Flag, width: int) -> list[str]:
    """Returns a flag and its meaning beside it, or below it where it is long."""
    name = f"  {_form(flag)}"
    rest = textwrap.wrap(words(flag), width - _LEFT, break_on_hyphens=False)
    rest = [f"{'':{_LEFT}}{line}" for line in rest]
    if len(name) > _LEFT - 2:
        return [*_broken(name, width), *rest]
    return [name + rest[0][len(name) :], *rest[1:]]


def _form(flag: flags.Flag) -> str:
    """Returns "--steps=N", "--[no]jit" or "--resume=auto|never|must"."""
    if flag.boolean:
        return f"--[no]{flag.name}"
    choices = getattr(flag.parser, "enum_values", None)
    if choices:
        return f"--{flag.name}={'|'.join(choices)}"
    kinds = {"int": "N", "float": "X", "comma separated list of strings": "A,B,..."}
    usual = "PATH" if flag.parser.syntactic_help == "a path" else "VALUE"
    return f"--{flag.name}={kinds.get(flag.parser.flag_type(), usual)}"


def _broken(name: str, width: int) -> list[str]:
    """Returns a long form of a flag in lines, broken between its choices."""
    if len(name) <= width:
        return [name]
    place = name.rindex("|", 0, width) + 1
    return [name[:place], *_broken(" " * 6 + name[place:], width)]


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, float) and math.isfinite(default):
        return f"{default:g}"
    return ",".join(default) if isinstance(default, list) else str(default)


def _others() -> str:
    command = COMMAND if as_called("launch.x") != "launch.x" else "python -m launch"
    return f"`{command} --help` lists the other launchers."


def _reflowed(written: str, width: int) -> str:
    """Fits paragraphs and lists of a docstring to a width; leaves commands alone."""
    blocks = []
    for block in written.strip("\n").split("\n\n"):
        if block.startswith("    "):
            blocks.append(block.rstrip())
            continue
        items = re.split(r"\n(?=- )", block)
        blocks.append(
            "\n".join(
                textwrap.fill(
                    " ".join(item.split()),
                    width,
                    subsequent_indent="  " if item.startswith("- ") else "",
                    break_on_hyphens=False,
                    break_long_words=False,
                )
                for item in items
            )
        )
    return "\n\n".join(blocks)
