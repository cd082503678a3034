"""Runs many command lines of launchers in one process, up to loading TensorFlow.

    python -m tests.launch.in_process < COMMANDS

Reads `{"lines": [[launcher, argument, ...], ...], "seed": ..., "count": ...}`, and adds
`count` random lines to the given ones. Writes what came of each, as JSON.
"""

import contextlib
import importlib
import io
import json
import pathlib
import random
import resource
import subprocess
import sys
import time
import traceback
from unittest import mock

from absl import flags

_HEAVY = ("tensorflow", "keras")
_LAUNCHERS = ("train", "tune", "tune_cluster", "measure", "reproduce", "prepare_data")
_LAUNCHERS += ("report", "sweep", "advise")
_HOSTILE = ("", " ", "0", "1", "2", "-1", "1.5", "-0.0", "1e-320", "1e308", "1e400")
_HOSTILE += ("nan", "inf", "-inf", "1e10", "9" * 11, "9" * 30, "9" * 5000, "0x10")
_HOSTILE += ("1_0", "٣", "é", "\u202e", "\udcff", "a\nb", "\x1b[1m", "%s{}", "a" * 5000)
_HOSTILE += ("true", "digits", "mlp", "f1", "quick", "guided", "mirrored", "batch")
_HOSTILE += ("x", ":", "../x:y", "x:y", ".x:y", "os:getcwd", "os.path:no", "a b:c d")
_HOSTILE += ("~nosuchuser/x", "/dev/null", "/dev/null/x", "/proc/x", "a/" * 3000, "..")
_HOSTILE += ("1,2,,3", "0.1,nan", "1,0.1", "0.1,1", ",", "3,-1", "64," * 600)
_HOSTILE += ("constant x=1", "stepwise boundaries=1 factors=inf", "cyclic")
_HOSTILE += ("cyclic factors=1,5 period=1e-9", "stepwise boundaries=1 factors=1e-320")
_HOSTILE += ("l2=0,1", "seed=1,2", "batch_size=16..64*2", "momentum=nan,-1", "l2=1..2")
_HOSTILE += ("constant_then_decay num_decays=1e9", "stepwise boundaries=,")


class Loaded(BaseException):
    """What a launcher gets in the place of TensorFlow, or of a process of its own."""


class _Finder:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in _HEAVY:
            raise Loaded(name)


_REPLACED = []


def load(launcher):
    """Returns the module, with the flags of no other launcher."""
    for name in _flags():
        delattr(flags.FLAGS, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "launch"]:
        # absl knows modules by their id, which another one must not get.
        _REPLACED.append(sys.modules.pop(name))
    return importlib.import_module(f"launch.{launcher}")


def _flags():
    """Returns the names of the flags that launchers have defined."""
    of_modules = flags.FLAGS.flags_by_module_dict().items()
    return sorted(
        flag.name
        for module, defined in of_modules
        if module.startswith("launch.")
        for flag in defined
    )


def _draw(rng):
    """Returns the arguments of a random command line."""
    names = rng.sample(_flags(), rng.choice((1, 1, 2, 2, 3, 5)) % (len(_flags()) + 1))
    lines = []
    for name in names:
        known = list(getattr(flags.FLAGS[name].parser, "enum_values", None) or _HOSTILE)
        lines.append(
            f"--{name}={rng.choice(known if rng.random() < 0.7 else _HOSTILE)}"
        )
    if "steps" in _flags() and rng.random() < 0.7:
        lines.append("--steps=2")
    return lines


def _run(module, arguments):
    from launch import entry

    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    out, err, status = io.StringIO(), io.StringIO(), None
    sys.argv = [module.__name__, *arguments]
    begun = time.perf_counter()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            entry.run(module.main)
        except SystemExit as ended:
            status = ended.code
        except Loaded:
            status = "loaded"
        except BaseException:  # noqa: BLE001
            status = "raised"
            traceback.print_exc()
    return {
        "line": [module.__name__, *arguments],
        "status": status,
        "stdout": out.getvalue(),
        "stderr": err.getvalue(),
        "seconds": time.perf_counter() - begun,
    }


def main():
    sys.meta_path.insert(0, _Finder())
    wanted = json.load(sys.stdin)
    by_launcher = {name: [] for name in _LAUNCHERS}
    for launcher, *arguments in wanted["lines"]:
        by_launcher[launcher].append(arguments)
    rng = random.Random(wanted["seed"])
    found = []
    with mock.patch.object(subprocess, "Popen", side_effect=Loaded):
        for launcher, lines in by_launcher.items():
            module = load(launcher)
            for _ in range(wanted["count"] // len(_LAUNCHERS)):
                lines.append(_draw(rng))
            found += [_run(module, arguments) for arguments in lines]
    json.dump({"outcomes": found, "bytes": _peak()}, sys.__stdout__)


def _peak():
    """Returns the most memory that the process has had; the system's own count."""
    # Linux' getrusage begins with that of the process that started this one.
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":") for line in status.read_text().splitlines())
        return 1024 * int(fields["VmHWM"].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
