"""The command `bsgen`: lists the launchers, and starts one by its name."""

import ast
import importlib.util
import runpy
import sys

import bsgen
from bsgen import errors

from . import COMMAND, streams

# In the order in which a newcomer meets them.
LAUNCHERS = [
    "reproduce",
    "report",
    "train",
    "sweep",
    "tune",
    "tune_cluster",
    "measure",
    "advise",
    "prepare_data",
]
_HELP = ("help", "--help", "-h", "-help", "--helpfull")
_VERSION = ("version", "--version")


def main() -> None:
    """Runs the command; `sys.argv` is `bsgen NAME --flags`, or `bsgen --help`."""
    name = sys.argv[1].replace("-", "_") if sys.argv[1:] else "help"
    if name in LAUNCHERS:
        del sys.argv[1]
        # As `python -m` does: what a launcher does when it is started, it does here.
        runpy.run_module(f"{__package__}.{name}", run_name="__main__", alter_sys=True)
        return
    streams.prepare()
    if sys.argv[1:2] in ([], *([each] for each in _HELP)):
        print(listing())
    elif sys.argv[1] in _VERSION:
        print(f"{COMMAND} {bsgen.__version__}")
    else:
        sys.exit(f"error: {errors.unknown_name('command', sys.argv[1], LAUNCHERS)}")
    streams.flush()


def listing() -> str:
    """Returns what there is, one line a launcher."""
    width = max(map(len, LAUNCHERS))
    lines = [f"{COMMAND} {bsgen.__version__}: {(bsgen.__doc__ or '').splitlines()[0]}"]
    lines += ["", f"usage: {COMMAND} NAME --FLAG=VALUE ...", ""]
    lines += [f"  {name:{width}}  {_summary(name)}" for name in LAUNCHERS]
    lines += ["", f"`{COMMAND} NAME --help` shows the flags of one, with an example."]
    lines += ["In a checkout of the project, `python -m launch.NAME` is the same."]
    return "\n".join(lines)


def _summary(name: str) -> str:
    """Returns the first line of a launcher's docstring, without importing it."""
    spec = importlib.util.find_spec(f"{__package__}.{name}")
    source = spec.loader.get_source(spec.name)  # type: ignore[union-attr]
    return (ast.get_docstring(ast.parse(source)) or "").splitlines()[0]
